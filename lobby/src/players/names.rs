//! What players may be called.

use lobby_core::PlayerId;

/// Longest name, in characters: what fits a scoreboard at 360 px.
pub const MAX_NAME_CHARS: usize = 24;

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing visible is left of it.
    #[error("a name needs at least one visible character")]
    Empty,
    /// Too many characters.
    #[error("a name has at most {MAX_NAME_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// A character that moves the cursor, turns the line round or cannot be seen.
    #[error("a name has no control or invisible characters")]
    Control,
}

/// The name without spaces around it.
///
/// # Errors
/// [`NameError`].
pub fn check_name(name: &str) -> Result<&str, NameError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let chars = name.chars().count();
    if chars > MAX_NAME_CHARS {
        return Err(NameError::TooLong(chars));
    }
    if name.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err(NameError::Control);
    }
    if name.chars().all(|c| c == JOINER || c.is_whitespace()) {
        return Err(NameError::Empty);
    }
    Ok(name)
}

/// The zero-width joiner: joins emoji, shows nothing by itself.
const JOINER: char = '\u{200d}';

/// Characters without a shape of their own: they would make two names look the same, or turn the page's text round.
/// [`JOINER`] is allowed.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Tells equal names apart: four digits of the id.
pub fn tag(player: PlayerId) -> u16 {
    (player.0 % 10_000) as u16
}

/// The tag as players see it.
pub fn tag_text(tag: u16) -> String {
    format!("{tag:04}")
}

/// What a password belongs to: `name#tag`, as players type it.
pub fn login(name: &str, player: PlayerId) -> String {
    format!("{name}#{:04}", tag(player))
}

/// A login as it is compared: case and spaces around do not count.
pub fn login_key(login: &str) -> String {
    login.trim().to_lowercase()
}

/// A name for a guest who gave none.
pub fn draw_name(player: PlayerId) -> String {
    const HOW: [&str; 16] = [
        "Brave", "Calm", "Clever", "Eager", "Gentle", "Happy", "Jolly", "Keen", "Lucky", "Merry", "Nimble", "Proud",
        "Quick", "Quiet", "Sunny", "Witty",
    ];
    const WHO: [&str; 16] = [
        "Badger", "Beaver", "Falcon", "Ferret", "Fox", "Hare", "Heron", "Lynx", "Marten", "Otter", "Owl", "Panda",
        "Raven", "Seal", "Swift", "Wolf",
    ];
    let pick = |list: [&'static str; 16], shift: u32| list[((player.0 >> shift) & 15) as usize];
    format!("{} {}", pick(HOW, 20), pick(WHO, 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let check = |name: &str, expected: Result<&str, NameError>| assert_eq!(check_name(name), expected, "{name:?}");
        check("  Ada ", Ok("Ada"));
        check("Ada Lovelace", Ok("Ada Lovelace"));
        check("Żółć 🦊", Ok("Żółć 🦊"));
        check("", Err(NameError::Empty));
        check(" \u{3000} ", Err(NameError::Empty));
        check("\u{200b}", Err(NameError::Control));
        check("\u{200d}", Err(NameError::Empty));
        check("a\nb", Err(NameError::Control));
        check("a\u{202e}b", Err(NameError::Control));
        check("a\0", Err(NameError::Control));
        check(&"é".repeat(24), Ok("é".repeat(24).as_str()));
        check(&"é".repeat(25), Err(NameError::TooLong(25)));
    }

    #[test]
    fn drawn_names_are_good_names() {
        for id in (0..u64::MAX).step_by(usize::MAX / 1_000) {
            assert!(check_name(&draw_name(PlayerId(id))).is_ok());
        }
        assert_eq!(login("Ada", PlayerId(10_007)), "Ada#0007");
        assert_eq!(login_key(" ADA#0007 "), "ada#0007");
    }
}
