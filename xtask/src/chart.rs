//! The chart: linted, rendered by the Helms that people have, judged by the schemas of the API server that the test
//! cluster runs, and asked whether what came out is what the values said.

mod expected;
mod monitoring;
mod reach;
pub(crate) mod readme;
mod rendered;
mod schemas;
mod security;
mod values;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::cluster::{Tool, installed};
use crate::root;
use crate::steps::{quietly, step};
use rendered::Rendered;
use values::Good;

/// What renders: the newest, and the one that many still have.
const HELMS: [Tool; 2] = [Tool::Helm, Tool::Helm3];
/// The release that is rendered, and where.
const RELEASE: &str = "game";
const NAMESPACE: &str = "games";
/// Kinds that are rendered only where the cluster has them.
const FOREIGN_KINDS: [&str; 3] = [
    "monitoring.coreos.com/v1/PodMonitor",
    "monitoring.coreos.com/v1/ServiceMonitor",
    "monitoring.coreos.com/v1/PrometheusRule",
];

/// Lints and renders the chart, and judges what comes out.
///
/// # Errors
/// With what is wrong.
pub(crate) fn check() -> Result<()> {
    let chart = Chart { directory: root().join("helm/bellhop"), place: tempfile::tempdir()? };
    step("the chart's README", || readme::is_fresh(&chart.directory))?;
    step("alerts and dashboard", || monitoring::check(&root(), &chart.directory))?;
    let schemas = schemas::of_the_api_server(&chart.directory)?;
    let kubeconform = installed(Tool::Kubeconform)?;
    for tool in HELMS {
        let helm = installed(tool)?;
        let name = tool.describe();
        step(&format!("the chart as {name} renders it"), || {
            for good in &values::GOOD {
                let judged = chart.judge(&helm, good, &kubeconform, &schemas);
                judged.with_context(|| format!("with the values `{}`", good.called))?;
            }
            chart.render(&helm, &example(&root())?).context("the README's example")?;
            chart.queues_restart_nobody(&helm)
        })?;
        step(&format!("what {name} refuses"), || {
            values::BAD.iter().try_for_each(|(values, message)| chart.refuses(&helm, values, message))
        })?;
    }
    Ok(())
}

/// The values that the README shows.
fn example(root: &Path) -> Result<String> {
    let readme = fs::read_to_string(root.join("README.md")).context("reading README.md")?;
    let (_, after) = readme.split_once("```yaml\n").context("README.md shows no values")?;
    let (values, _) = after.split_once("```").context("README.md's values do not end")?;
    Ok(values.to_owned())
}

/// The chart, and a place for values and what is made of them.
struct Chart {
    directory: PathBuf,
    place: tempfile::TempDir,
}

impl Chart {
    fn judge(&self, helm: &Path, good: &Good, kubeconform: &Path, schemas: &Path) -> Result<()> {
        let file = self.write("values.yaml", good.values)?;
        quietly(Command::new(helm).args(["lint", "--strict", "--values"]).arg(file).arg(&self.directory))?;
        let text = self.render(helm, good.values)?;
        let mut conform = Command::new(kubeconform);
        conform.args(["-strict", "-summary", "-schema-location"]);
        conform.arg(schemas.join("{{.ResourceKind}}{{.KindSuffix}}.json"));
        quietly(conform.arg(self.write("rendered.yaml", &text)?))?;
        let rendered = Rendered::parse(&text)?;
        for (name, pod) in rendered.pods() {
            security::restricted(pod).with_context(|| format!("{name} is not restricted"))?;
        }
        (good.expected)(&rendered)
    }

    /// Queues are read again while the lobby runs: changing them changes no pod.
    fn queues_restart_nobody(&self, helm: &Path) -> Result<()> {
        let pods = |values: &str| -> Result<Vec<_>> {
            let rendered = Rendered::parse(&self.render(helm, values)?)?;
            Ok(rendered.pods().map(|(name, pod)| (name, pod.clone())).collect())
        };
        let before = pods("{}")?;
        ensure!(before == pods("queues: [{ name: duel, game: snake }]")?, "another queue changes a pod");
        ensure!(before != pods("lobby: { log: debug }")?, "a change of the lobby's log changes no pod");
        Ok(())
    }

    fn render(&self, helm: &Path, values: &str) -> Result<String> {
        let mut template = Command::new(helm);
        template.args(["template", RELEASE, "--namespace", NAMESPACE, "--include-crds", "--kube-version", "1.34.0"]);
        for kind in FOREIGN_KINDS {
            template.args(["--api-versions", kind]);
        }
        template.arg("--values").arg(self.write("values.yaml", values)?).arg(&self.directory);
        let output = template.output().with_context(|| format!("could not start {}", helm.display()))?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn refuses(&self, helm: &Path, values: &str, message: &str) -> Result<()> {
        let Err(refusal) = self.render(helm, values) else { bail!("these values were accepted: {values}") };
        let refusal = refusal.to_string();
        ensure!(refusal.contains(message), "`{values}` is refused without saying `{message}`: {refusal}");
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.place.path().join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}
