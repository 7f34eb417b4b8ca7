//! `cargo xtask image`: the images, built without a registry, and loaded into the test cluster where one is up.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::assemble::{self, cargo, target};
use crate::steps::{quietly, step};
use crate::{cluster, needs, root};

/// Needs nothing of the machine it runs on.
const TARGET: &str = "x86_64-unknown-linux-musl";
/// Cargo's profile for images that leave this machine.
pub(crate) const PROFILE: &str = "image";
/// Where the images' names begin.
const REPOSITORY: &str = "bellhop.dev";
/// What an image may weigh.
const MAX_BYTES: u64 = 20_000_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The image's tag.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Only these.
    #[arg(long, value_enum)]
    only: Vec<Image>,
    /// Only the room with this game of your own, from the Dockerfile in its directory.
    #[arg(long, conflicts_with = "only")]
    game: Option<String>,
    /// Build each image a second time, in another place, and fail if its digest is another.
    #[arg(long)]
    twice: bool,
    /// Cargo's profile: `dev` builds sooner, and larger images.
    #[arg(long, default_value = PROFILE)]
    profile: String,
    /// Put the images into the test cluster's nodes, which must be up.
    #[arg(long)]
    load: bool,
}

/// One image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Image {
    /// The public port.
    Gateway,
    /// The lobby with the page.
    Lobby,
    /// A room with the games that come with Bellhop.
    Room,
    /// The example of a room with a team's own game.
    Nim,
    /// A room with a game of one's own, by its name.
    #[value(skip)]
    Own(&'static str),
}

/// What a release is made of.
pub(crate) const ALL: [Image; 3] = [Image::Gateway, Image::Lobby, Image::Room];

impl Image {
    fn name(self) -> &'static str {
        match self {
            Image::Gateway => "gateway",
            Image::Lobby => "lobby",
            Image::Room => "room",
            Image::Nim => "nim",
            Image::Own(game) => game,
        }
    }

    /// What runs in it, by package and program.
    fn programs(self) -> Vec<(String, String)> {
        let own = |program: &str| (program.to_owned(), program.to_owned());
        match self {
            Image::Gateway => vec![own("bellhop-gateway")],
            Image::Lobby => vec![own("bellhop-lobby"), ("bellhop-load".to_owned(), "bellhop-bots".to_owned())],
            Image::Room => vec![own("bellhop-room")],
            Image::Nim => vec![own("bellhop-nim")],
            Image::Own(game) => vec![own(&format!("bellhop-{game}"))],
        }
    }

    fn dockerfile(self) -> Result<PathBuf> {
        Ok(match self {
            Image::Gateway | Image::Lobby | Image::Room => root().join("deploy/Dockerfile"),
            Image::Nim => root().join("examples/nim/Dockerfile"),
            Image::Own(game) => assemble::home(&root(), game)?.join("Dockerfile"),
        })
    }
}

/// An image that was built.
pub(crate) struct Made {
    /// Its whole name with the tag.
    pub(crate) reference: String,
    /// An OCI archive with it.
    pub(crate) archive: PathBuf,
    digest: String,
    /// Of the archive.
    pub(crate) bytes: u64,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let wanted = match &args.game {
        // Once in the life of the process.
        Some(game) => vec![Image::Own(game.clone().leak())],
        None if args.only.is_empty() => ALL.to_vec(),
        None => args.only.clone(),
    };
    let made = build(&wanted, &args.tag, &args.profile, args.twice)?;
    if args.load {
        for image in &made {
            cluster::load(&image.archive)?;
        }
    }
    let mut out = std::io::stdout().lock();
    for Made { reference, digest, bytes, archive } in &made {
        writeln!(out, "{reference} {digest} {:.1} MB {}", *bytes as f64 / 1e6, archive.display())?;
    }
    Ok(())
}

/// Builds images. `twice` builds each again and compares.
///
/// # Errors
/// If a tool cannot be had, a build fails, an image is too large or is another the second time.
pub(crate) fn build(wanted: &[Image], tag: &str, profile: &str, twice: bool) -> Result<Vec<Made>> {
    ensure!(cfg!(target_os = "linux"), "images are built with buildah, which needs Linux");
    ensure!(nix::unistd::geteuid().is_root(), "buildah needs root here: run this as root");
    needs::debian_packages(&[("buildah", "buildah"), ("musl-tools", "musl-gcc")])?;
    needs::rust_target(TARGET)?;
    for image in wanted {
        // Says at once what is not there.
        image.dockerfile()?;
        if let Image::Own(game) = image {
            assemble::bundle(game)?;
        }
    }
    binaries(wanted, profile)?;
    let serves = |image: &Image| matches!(image, Image::Lobby | Image::Room);
    let served = if wanted.iter().any(serves) { Some(assemble::for_browsers()?) } else { None };
    let bin = programs(profile);
    let mut made = Vec::new();
    for image in wanted.iter().copied() {
        let name = image.name();
        let (first, second) = (target().join("images").join(name), target().join("images/again").join(name));
        let built =
            step(&format!("building the image of the {name}"), || one(image, tag, &first, &bin, served.as_ref()))?;
        if twice {
            let again = step("building it again", || one(image, tag, &second, &bin, served.as_ref()))?;
            if again.digest != built.digest {
                bail!("the image of the {name} is {} at first and {} the second time", built.digest, again.digest);
            }
        }
        if profile == PROFILE && built.bytes > MAX_BYTES {
            bail!("the image of the {name} has {} bytes, and may have {MAX_BYTES}", built.bytes);
        }
        made.push(built);
    }
    Ok(made)
}

/// Where the static programs of a profile lie.
pub(crate) fn programs(profile: &str) -> PathBuf {
    target().join(TARGET).join(if profile == "dev" { "debug" } else { profile })
}

fn binaries(wanted: &[Image], profile: &str) -> Result<()> {
    // Absolute paths of this machine would make another image on another one.
    let cargo_home = std::env::home_dir().context("a home directory")?.join(".cargo");
    let cargo_home = std::env::var_os("CARGO_HOME").map_or(cargo_home, PathBuf::from);
    let flags = format!(
        "--remap-path-prefix={}=/cargo --remap-path-prefix={}=/bellhop",
        cargo_home.display(),
        root().display()
    );
    step("building static binaries (some minutes at first)", || {
        let mut cargo = cargo();
        cargo.args(["build", "--quiet", "--profile", profile, "--target", TARGET]).env("RUSTFLAGS", &flags);
        for (package, program) in wanted.iter().copied().flat_map(Image::programs) {
            cargo.args(["--package", &package, "--bin", &program]);
        }
        quietly(&mut cargo)
    })
}

fn one(image: Image, tag: &str, place: &Path, bin: &Path, served: Option<&assemble::Served>) -> Result<Made> {
    let context = place.join("context");
    lay_out(image, &context, bin, served)?;
    let reference = format!("{REPOSITORY}/{}:{tag}", image.name());
    let digest_file = place.join("digest");
    let archive = place.join("image.tar");
    let _not_there = fs::remove_file(&archive);
    // A store of its own: what this machine's other images are is none of our business.
    let buildah = || {
        let mut buildah = Command::new("buildah");
        buildah.arg("--root").arg(place.join("store")).arg("--runroot").arg(place.join("run"));
        buildah.args(["--storage-driver", "vfs"]);
        buildah
    };
    let mut bud = buildah();
    bud.args(["bud", "--isolation", "chroot", "--timestamp", "0", "--layers=false"]);
    if ALL.contains(&image) {
        bud.args(["--target", image.name(), "--build-arg", &format!("VERSION={tag}")]);
    }
    bud.args(["--tag", &reference, "--file"]).arg(image.dockerfile()?).arg(&context);
    quietly(&mut bud)?;
    let mut push = buildah();
    push.args(["push", "--digestfile"]).arg(&digest_file).arg(&reference);
    push.arg(format!("oci-archive:{}:{reference}", archive.display()));
    quietly(&mut push)?;
    quietly(buildah().args(["rmi", "--all", "--force"]))?;
    let digest = fs::read_to_string(&digest_file)?.trim().to_owned();
    let bytes = fs::metadata(&archive)?.len();
    Ok(Made { reference, archive, digest, bytes })
}

/// The files of an image, with the same modes whatever this machine's are.
fn lay_out(image: Image, context: &Path, bin: &Path, served: Option<&assemble::Served>) -> Result<()> {
    let _not_there = fs::remove_dir_all(context);
    fs::create_dir_all(context)?;
    for (_, program) in image.programs() {
        copy(&bin.join(&program), &context.join(&program), 0o755)?;
    }
    match (image, served) {
        (Image::Lobby, Some(served)) => {
            for private in ["data", "data/keys"] {
                fs::create_dir(context.join(private))?;
                fs::set_permissions(context.join(private), fs::Permissions::from_mode(0o700))?;
            }
            copy_all(&served.page, &context.join("page"))
        }
        (Image::Room, Some(served)) => assemble::GAMES
            .iter()
            .try_for_each(|game| copy_all(&served.bundles.join(game), &context.join("bundles").join(game))),
        (Image::Own(game), _) => copy_all(&target().join("bundles").join(game), &context.join("bundles").join(game)),
        (Image::Gateway | Image::Lobby | Image::Room | Image::Nim, _) => Ok(()),
    }
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &to)?;
        } else {
            copy(&entry.path(), &to, 0o644)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}
