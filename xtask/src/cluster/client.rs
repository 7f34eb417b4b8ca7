//! The client's side of the cluster's network, for code of ours: connections that start in its namespace.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, setns};
use tokio::io::copy_bidirectional;
use tokio::sync::Semaphore;

use super::layout::{CLIENT, Layout, namespace_file};

/// In a cluster on one machine a connection takes a millisecond, or will not come.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Connections carried at once. Two browsers with every tab a person can look at use a tenth.
const CONNECTIONS: usize = 1024;

/// A connection into the cluster. The socket stays in the client's namespace, whoever uses it.
pub(super) fn connect(address: SocketAddr) -> Result<TcpStream> {
    // A namespace belongs to a thread, so it is one that ends after this.
    let thread = thread::spawn(move || {
        let namespace = File::open(namespace_file(CLIENT)).context("no cluster is up")?;
        setns(namespace, CloneFlags::CLONE_NEWNET).context("entering the client's namespace")?;
        TcpStream::connect_timeout(&address, CONNECT_WITHIN).with_context(|| format!("could not reach {address}"))
    });
    thread.join().map_err(|_| anyhow!("the connecting thread panicked"))?
}

/// Carries connections from `listen` on this machine to a Service, until it is interrupted.
pub(super) fn forward(layout: &Layout, service: &str, listen: SocketAddr) -> Result<()> {
    let target = address_of(layout, service)?;
    let listener = TcpListener::bind(listen).with_context(|| format!("could not listen on {listen}"))?;
    listener.set_nonblocking(true)?;
    eprintln!("http://{} leads to {service} ({target}); Ctrl-C ends it", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let place = Arc::clone(&free).acquire_owned().await?;
            let (mut from, _) = listener.accept().await?;
            tokio::spawn(async move {
                let _place = place;
                if let Err(error) = carry(&mut from, target).await {
                    eprintln!("{error:#}");
                }
            });
        }
    })
}

async fn carry(from: &mut tokio::net::TcpStream, target: SocketAddr) -> Result<()> {
    let to = tokio::task::spawn_blocking(move || connect(target)).await??;
    to.set_nonblocking(true)?;
    let mut to = tokio::net::TcpStream::from_std(to)?;
    for socket in [&*from, &to] {
        socket.set_nodelay(true)?;
    }
    // How it ends is between the two of them.
    let _either_side_closed = copy_bidirectional(from, &mut to).await;
    Ok(())
}

/// The address of `NAMESPACE/SERVICE:PORT`.
fn address_of(layout: &Layout, service: &str) -> Result<SocketAddr> {
    let parts = service.split_once('/').and_then(|(namespace, rest)| Some((namespace, rest.split_once(':')?)));
    let Some((namespace, (name, port))) = parts else {
        bail!("`{service}` is not of the form NAMESPACE/SERVICE:PORT");
    };
    let port = port.parse().with_context(|| format!("`{port}` is no port"))?;
    let asked = layout
        .kubectl()
        .args(["--namespace", namespace, "get", "service", name, "-o", "jsonpath={.spec.clusterIP}"])
        .output()?;
    if !asked.status.success() {
        bail!("{}", String::from_utf8_lossy(&asked.stderr).trim());
    }
    let address = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let address = address.parse().with_context(|| format!("{service} has no address of its own, but `{address}`"))?;
    Ok(SocketAddr::new(address, port))
}
