//! Generates `proto/src/gen` from the `.proto` files.

use std::path::Path;

use anyhow::{Context, Result};
use prost::Message;

/// Writes the generated code and the descriptors into `out`.
///
/// # Errors
/// If a `.proto` file does not compile, or `out` cannot be written.
pub(crate) fn generate(root: &Path, out: &Path) -> Result<()> {
    let include = root.join("proto");
    let mut files: Vec<_> = std::fs::read_dir(include.join("bellhop/v1"))
        .context("reading proto/bellhop/v1")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    let descriptors = protox::compile(&files, [&include]).context("compiling the .proto files")?;
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .out_dir(out)
        .bytes(".bellhop.v1.BundleChunk.data")
        .compile_fds(descriptors)
        .context("generating Rust from the .proto files")?;
    Ok(())
}
