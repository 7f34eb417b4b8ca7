//! Images without a registry: archives of static binaries, put into the nodes' stores.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::layout::{COREDNS, Layout, PAUSE, PROBE};
use super::{node, tools};
use crate::steps::step;

/// Archives with the images of the cluster's own pods, each beside the program that is in it.
pub(super) fn pack_own(built: &tools::Built) -> Result<Vec<PathBuf>> {
    [(PAUSE, built.pods.join("pause")), (PROBE, built.pods.join("probe")), (COREDNS, built.coredns.join("coredns"))]
        .iter()
        .map(|(reference, program)| {
            let archive = program.with_extension("tar");
            if !archive.exists() {
                pack(&archive, reference, program).with_context(|| format!("packing {reference}"))?;
            }
            Ok(archive)
        })
        .collect()
}

/// Loads an image archive into every node of the cluster that is up.
///
/// # Errors
/// If none is up, or a node does not take it.
pub(crate) fn load(archive: &Path) -> Result<()> {
    let layout = &Layout::of_this_machine();
    if !layout.kubeconfig().exists() {
        bail!("no cluster is up: start one with `cargo xtask cluster up`");
    }
    step(&format!("loading {} into the nodes", archive.display()), || node::import_everywhere(layout, archive))
}

/// One static binary as an image, in the form that `docker save` writes.
fn pack(archive: &Path, reference: &str, program: &Path) -> Result<()> {
    let entrypoint = format!("/{}", program.file_name().context("a program has a name")?.to_string_lossy());
    let mut layer = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    let mut file = File::open(program)?;
    header.set_size(file.metadata()?.len());
    header.set_mode(0o755);
    layer.append_data(&mut header, entrypoint.trim_start_matches('/'), &mut file)?;
    let layer = layer.into_inner()?;

    let digest = tools::hex(&Sha256::digest(&layer));
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Entrypoint":["{entrypoint}"],"User":"65532:65532"}},"rootfs":{{"type":"layers","diff_ids":["sha256:{digest}"]}}}}"#
    );
    let config_name = format!("{}.json", tools::hex(&Sha256::digest(&config)));
    let manifest = format!(r#"[{{"Config":"{config_name}","RepoTags":["{reference}"],"Layers":["layer.tar"]}}]"#);

    let fresh = archive.with_extension("new");
    let mut whole = tar::Builder::new(File::create(&fresh)?);
    for (name, bytes) in
        [(config_name.as_str(), config.as_bytes()), ("layer.tar", &layer), ("manifest.json", manifest.as_bytes())]
    {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len().try_into()?);
        header.set_mode(0o644);
        whole.append_data(&mut header, name, bytes)?;
    }
    whole.into_inner()?;
    fs::rename(&fresh, archive).context("moving the archive into place")
}
