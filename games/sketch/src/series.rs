//! Prompts that fit together, and those that come from outside.

use bellhop_game::wire;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_PROMPT_CHARS, MAX_PROMPTS, MIN_PROMPTS};

wire! {
    /// Two series of prompts that make one picture.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Scene {
        /// What it all becomes; empty where nobody gave it a name.
        pub title: String,
        /// What even seats are told.
        pub first: Vec<String>,
        /// What odd seats are told.
        pub second: Vec<String>,
    }
}

impl Scene {
    /// What the players of this seat are told: the seat decides, whoever came first.
    pub fn series(&self, seat: u16) -> &[String] {
        if seat.is_multiple_of(2) { &self.first } else { &self.second }
    }

    /// How many prompts a series has.
    pub fn prompts(&self) -> u8 {
        self.first.len().min(self.second.len()) as u8
    }
}

/// What is asked of a language model, once per match.
pub(crate) const QUESTION: &str = "Two people draw one picture on one canvas, at the same time. Each of them follows \
prompts that the other cannot see, one every half minute. Invent a funny or charming scene and split it into two \
series of 4 prompts each, so that what both draw fits together into one picture without either knowing the whole. Each \
prompt is one thing to draw and where (left, right, top, bottom, middle), at most 80 characters, in plain English, for \
all ages. Answer with JSON alone, in exactly this form: {\"player1\": [\"...\"], \"player2\": [\"...\"]}";

/// Why an answer is no scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitError {
    /// It is not the JSON that was asked for.
    Form,
    /// Too few prompts, too many, or not as many for one as for the other.
    Count,
    /// A prompt that is empty, too long or has characters that cannot be shown.
    Prompt,
    /// Both would be told the same.
    Same,
}

/// What a language model may say.
#[derive(Deserialize)]
struct Answer {
    player1: Vec<String>,
    player2: Vec<String>,
}

impl Scene {
    /// The scene that an answer from outside describes. It is believed in nothing: what does not fit is no scene.
    ///
    /// # Errors
    /// [`UnfitError`], in each of its forms.
    pub fn from_answer(answer: &str) -> Result<Scene, UnfitError> {
        // Models like to put a fence around their JSON, and a word before it.
        let (begin, end) = (answer.find('{'), answer.rfind('}'));
        let (Some(begin), Some(end)) = (begin, end) else { return Err(UnfitError::Form) };
        let json = answer.get(begin..=end).ok_or(UnfitError::Form)?;
        let Answer { player1, player2 } = serde_json::from_str(json).map_err(|_| UnfitError::Form)?;
        if player1.len() != player2.len() || !(MIN_PROMPTS..=MAX_PROMPTS).contains(&player1.len()) {
            return Err(UnfitError::Count);
        }
        let tidy = |prompts: Vec<String>| prompts.iter().map(|prompt| tidied(prompt)).collect::<Option<Vec<String>>>();
        let first = tidy(player1).ok_or(UnfitError::Prompt)?;
        let second = tidy(player2).ok_or(UnfitError::Prompt)?;
        if first == second {
            return Err(UnfitError::Same);
        }
        Ok(Scene { title: String::new(), first, second })
    }
}

fn tidied(prompt: &str) -> Option<String> {
    let prompt = prompt.trim();
    let strange = |sign: char| {
        sign.is_control() || ('\u{202a}'..='\u{202e}').contains(&sign) || ('\u{2066}'..='\u{2069}').contains(&sign)
    };
    let fits = !prompt.is_empty() && prompt.chars().count() <= MAX_PROMPT_CHARS && !prompt.contains(strange);
    fits.then(|| prompt.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: Result<u8, UnfitError>) {
        assert_eq!(Scene::from_answer(answer).map(|scene| scene.prompts()), expected, "{answer:.80}");
    }

    #[test]
    fn what_was_asked_for_is_taken() {
        check(r#"{"player1":["a","b","c"],"player2":["d","e","f"]}"#, Ok(3));
        check(
            "Sure! ```json\n{\"player1\":[\" a \",\"b\",\"c\"],\"player2\":[\"d\",\"e\",\"f\"],\"mood\":7}\n```",
            Ok(3),
        );
    }

    #[test]
    fn all_else_is_not() {
        let long = "x".repeat(MAX_PROMPT_CHARS + 1);
        let many = ["x"; MAX_PROMPTS + 1].join("\",\"");
        check("", Err(UnfitError::Form));
        check("I would rather not.", Err(UnfitError::Form));
        check("}{", Err(UnfitError::Form));
        check("<html>{teapot}</html>", Err(UnfitError::Form));
        check(r#"{"player1":["a","b","c"]}"#, Err(UnfitError::Form));
        check(r#"{"player1":["a","b",3],"player2":["d","e","f"]}"#, Err(UnfitError::Form));
        check(r#"{"player1":"abc","player2":"def"}"#, Err(UnfitError::Form));
        check(r#"{"player1":["a","b"],"player2":["d","e"]}"#, Err(UnfitError::Count));
        check(r#"{"player1":["a","b","c"],"player2":["d","e","f","g"]}"#, Err(UnfitError::Count));
        check(&format!(r#"{{"player1":["{many}"],"player2":["{many}"]}}"#), Err(UnfitError::Count));
        check(r#"{"player1":["a","b"," "],"player2":["d","e","f"]}"#, Err(UnfitError::Prompt));
        check(r#"{"player1":["a","b","c\u0007"],"player2":["d","e","f"]}"#, Err(UnfitError::Prompt));
        check(r#"{"player1":["a","b","\u202ec"],"player2":["d","e","f"]}"#, Err(UnfitError::Prompt));
        check(&format!(r#"{{"player1":["{long}","b","c"],"player2":["d","e","f"]}}"#), Err(UnfitError::Prompt));
        check(r#"{"player1":["a","b","c"],"player2":["a","b","c"]}"#, Err(UnfitError::Same));
    }
}
