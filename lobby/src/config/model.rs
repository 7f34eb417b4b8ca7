//! The table `[model]`: whom the rooms of this machine ask when a game asks the world outside.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

/// A language model behind an OpenAI-compatible endpoint.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelTable {
    pub(super) url: Spanned<String>,
    name: Option<String>,
    key_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    timeout_seconds: Option<u16>,
}

impl ModelTable {
    #[cfg(test)]
    pub(super) const KEYS: [&'static str; 3] = ["url", "key_file", "ca_file"];

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        let url = self.url.get_ref();
        let known = url.starts_with("http://") || url.starts_with("https://");
        (!known).then(|| format!("[model] has the url {url:?}: give one such as https://HOST/v1"))
    }

    /// As a room is told. The key itself never passes through here: a room reads its file.
    pub(super) fn flags(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        let values = [
            ("--model-url", Some(self.url.get_ref().clone())),
            ("--model-name", self.name.clone()),
            ("--model-key-file", self.key_file.as_deref().map(path)),
            ("--model-ca-file", self.ca_file.as_deref().map(path)),
            ("--model-timeout-seconds", self.timeout_seconds.map(|seconds| seconds.to_string())),
        ];
        values.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?])).flatten().collect()
    }
}
