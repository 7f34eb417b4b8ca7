//! What arrives at a socket, and when it did: a socket that is read seldom must not make the way look long.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, cmsg_space, recvmsg};
use nix::sys::time::{TimeVal, TimeValLike as _};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

/// Read at once. A client message has 5 to 30 bytes.
pub(crate) const READ_BYTES: usize = 4 * 1024;

/// Nothing lies unread for longer, unless the machine was frozen or its clock was set.
const LONGEST_HELD: Duration = Duration::from_secs(1);

/// Reads what has arrived once there is something; says how long ago the last of it came, as far as the kernel knows.
/// None: the other side ended.
pub(crate) async fn receive(stream: &OwnedReadHalf, into: &mut BytesMut) -> io::Result<Option<Duration>> {
    loop {
        stream.readable().await?;
        let stream: &TcpStream = stream.as_ref();
        match stream.try_io(Interest::READABLE, || receive_now(stream, into)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok((0, _)) => return Ok(None),
            Ok((bytes, stamp)) => {
                if bytes < READ_BYTES {
                    // That was all: the next call need not ask the kernel to know it.
                    let _all = stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
                }
                let held = stamp.and_then(|stamp| (SystemTime::UNIX_EPOCH + stamp).elapsed().ok());
                return Ok(Some(held.unwrap_or_default().min(LONGEST_HELD)));
            }
            Err(error) => return Err(error),
        }
    }
}

/// The bytes that were there, and when the last of them had come by the wall clock.
fn receive_now(stream: &TcpStream, into: &mut BytesMut) -> io::Result<(usize, Option<Duration>)> {
    let (mut bytes, mut control) = ([0; READ_BYTES], [0; cmsg_space::<TimeVal>()]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let received = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let stamp = received.cmsgs()?.find_map(|message| {
        if let ControlMessageOwned::ScmTimestamp(stamp) = message {
            Some(Duration::from_micros(stamp.num_microseconds().unsigned_abs()))
        } else {
            None
        }
    });
    let read = received.bytes;
    into.extend_from_slice(&bytes[..read]);
    Ok((read, stamp))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::outlet::Peer;

    #[tokio::test]
    async fn what_lay_here_says_how_long() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_peer, stream) = Peer::new(listener.accept().await.unwrap().0).unwrap();
        let mut arrived = BytesMut::new();
        // Stamps are turned on for the whole machine by the first socket that wants them, a moment later.
        let (mut lay, mut held) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..1_000 {
            client.write_all(b"one").await.unwrap();
            stream.readable().await.unwrap();
            let came = std::time::Instant::now();
            std::thread::sleep(Duration::from_millis(2));
            lay = came.elapsed();
            held = receive(&stream, &mut arrived).await.unwrap().unwrap();
            assert_eq!(&arrived.split()[..], b"one");
            if held > Duration::ZERO {
                break;
            }
        }
        assert!(held >= lay, "{held:?} is less than the {lay:?} for which it lay here");
        client.write_all(&[7; READ_BYTES + 1]).await.unwrap();
        drop(client);
        while receive(&stream, &mut arrived).await.unwrap().is_some() {}
        assert_eq!(arrived.len(), READ_BYTES + 1, "it is all read before the end is seen");
    }
}
