//! What the file says becomes what is in force: at start, and whenever the file changes.
//!
//! Operators change settings, too. Only what the file says differently than before replaces what is in force.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lobby_core::{Call, Name, Settings};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::drive::Core;
use crate::keys::{DataDir, write_whole};

/// How often the file is looked at. Its content is compared: mounted files change by renamed links.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The file's settings as they were when they were put in force last.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    path: PathBuf,
}

impl Applied {
    pub(crate) fn new(path: PathBuf) -> Applied {
        Applied { path }
    }

    fn load(&self) -> Option<Settings> {
        postcard::from_bytes(&fs::read(&self.path).ok()?).ok()
    }

    /// Remembers.
    pub(crate) fn store(&self, settings: &Settings) -> Result<()> {
        let bytes = postcard::to_stdvec(settings).context("could not write the settings down")?;
        write_whole(&self.path, &bytes, 0o600).context("could not remember the settings in force")
    }

    /// Puts in force what the file says differently than before.
    pub(crate) async fn put_in_force(&self, core: &Core, said: &Settings) -> Result<()> {
        let before = self.load();
        if before.as_ref() == Some(said) {
            return Ok(());
        }
        let lobby_core::Answer::Settings(now) = core.call(Call::GetSettings).await? else {
            anyhow::bail!("the core did not tell its settings");
        };
        let merged = merge(now, before.as_ref(), said);
        core.call(Call::SetSettings(Box::new(merged))).await.context("the settings are refused")?;
        self.store(said)
    }
}

/// Looks after the file.
pub(crate) struct Watch {
    pub(crate) file: PathBuf,
    pub(crate) applied: Applied,
    pub(crate) core: Core,
    /// Where the fleets' tokens are made; nowhere, if rooms prove themselves otherwise.
    pub(crate) tokens: Option<Arc<DataDir>>,
}

impl Watch {
    /// Until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<()> {
        let mut seen = fs::read(&self.file).unwrap_or_default();
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = look.tick() => {}
            }
            // A file that is gone for a moment is being replaced.
            let Ok(content) = fs::read(&self.file) else { continue };
            if content == seen {
                continue;
            }
            seen = content;
            let result = match super::read(&self.file) {
                Ok(said) => self.put_in_force(&said).await,
                Err(error) => Err(error.into()),
            };
            match result {
                Ok(()) => info!(file = %self.file.display(), "settings are reloaded"),
                Err(error) => warn!("the settings stay as they are: {error:#}"),
            }
        }
    }
}

impl Watch {
    async fn put_in_force(&self, said: &Settings) -> Result<()> {
        for fleet in &said.fleets {
            self.tokens.as_ref().map(|tokens| tokens.fleet_token(&fleet.name)).transpose()?;
        }
        self.applied.put_in_force(&self.core, said).await
    }
}

/// What is in force, with what the file says differently than before.
fn merge(mut now: Settings, before: Option<&Settings>, said: &Settings) -> Settings {
    let empty = Settings::default();
    let old = before.unwrap_or(&empty);
    merge_items(&mut now.queues, &old.queues, &said.queues, |queue| &queue.name);
    merge_items(&mut now.fleets, &old.fleets, &said.fleets, |fleet| &fleet.name);
    if before.is_none_or(|before| before.limits != said.limits) {
        now.limits = said.limits.clone();
    }
    if before.is_none_or(|before| before.timing != said.timing) {
        now.timing = said.timing.clone();
    }
    now
}

fn merge_items<T: Clone + PartialEq>(now: &mut Vec<T>, before: &[T], said: &[T], name: impl Fn(&T) -> &Name) {
    let find = |list: &[T], wanted: &Name| list.iter().position(|item| name(item) == wanted);
    now.retain(|item| find(before, name(item)).is_none() || find(said, name(item)).is_some());
    for item in said {
        let unchanged = find(before, name(item)).is_some_and(|at| before[at] == *item);
        match find(now, name(item)) {
            Some(_) if unchanged => {}
            Some(at) => now[at] = item.clone(),
            None => now.push(item.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::defaults;

    #[test]
    fn only_what_the_file_changed_replaces_what_operators_set() {
        let file = defaults();
        let mut now = file.clone();
        now.fleets[0].min_ready = 7;
        now.queues[0].rated = false;
        assert_eq!(merge(now.clone(), Some(&file), &file), now);

        let mut said = file.clone();
        said.queues[0].title = "Snakes".into();
        said.limits.rooms = 5;
        let merged = merge(now.clone(), Some(&file), &said);
        assert_eq!(merged.queues[0], said.queues[0]);
        assert_eq!((merged.fleets[0].min_ready, merged.limits.rooms), (7, 5));

        let gone = said.queues.remove(1);
        let merged = merge(now.clone(), Some(&file), &said);
        assert!(merged.queues.iter().all(|queue| queue.name != gone.name), "a queue that left the file is gone");
        assert_eq!(merged.queues.len(), said.queues.len());
        assert_eq!(merge(now, None, &file), file);
    }
}
