//! Images without a registry: archives of static binaries, put into the nodes' stores.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::layout::{COREDNS, FIGURES, Layout, PAUSE, PROBE};
use super::{node, tools};
use crate::steps::step;

/// Archives with the images of the cluster's own pods, each beside the program that is in it.
pub(super) fn pack_own(built: &tools::Built) -> Result<Vec<PathBuf>> {
    let pods = |program: &str| built.pods.join(program);
    [
        (PAUSE, pods("pause")),
        (PROBE, pods("probe")),
        (FIGURES, pods("figures")),
        (COREDNS, built.coredns.join("coredns")),
    ]
    .iter()
    .map(|(reference, program)| {
        let archive = program.with_extension("tar");
        if !archive.exists() {
            let mut contents = Contents::default();
            let name = program.file_name().context("a program has a name")?.to_string_lossy().into_owned();
            contents.file(&name, program, 0o755)?;
            pack(&archive, reference, &format!("/{name}"), &[], contents)
                .with_context(|| format!("packing {reference}"))?;
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

/// The files of an image.
pub(super) struct Contents(tar::Builder<Vec<u8>>);

impl Default for Contents {
    fn default() -> Contents {
        Contents(tar::Builder::new(Vec::new()))
    }
}

impl Contents {
    /// A file of this machine, under the path `to`.
    pub(super) fn file(&mut self, to: &str, from: &Path, mode: u32) -> Result<()> {
        let mut file = File::open(from).with_context(|| format!("reading {}", from.display()))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(file.metadata()?.len());
        header.set_mode(mode);
        Ok(self.0.append_data(&mut header, to, &mut file)?)
    }

    /// A directory of this machine with all that is in it, for everybody to read.
    pub(super) fn directory(&mut self, to: &str, from: &Path) -> Result<()> {
        for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
            let entry = entry?;
            let to = format!("{to}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.directory(&to, &entry.path())?;
            } else {
                self.file(&to, &entry.path(), 0o644)?;
            }
        }
        Ok(())
    }
}

/// Files as an image, in the form that `docker save` writes.
pub(super) fn pack(archive: &Path, reference: &str, program: &str, env: &[String], contents: Contents) -> Result<()> {
    let layer = contents.0.into_inner()?;
    let digest = tools::hex(&Sha256::digest(&layer));
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Entrypoint": [program], "Env": env, "User": "65532:65532" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
    });
    let config = config.to_string();
    let config_name = format!("{}.json", tools::hex(&Sha256::digest(&config)));
    let manifest = serde_json::json!([{ "Config": config_name, "RepoTags": [reference], "Layers": ["layer.tar"] }]);
    let manifest = manifest.to_string();

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
