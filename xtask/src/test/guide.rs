//! docs/writing-a-game.md: its code is the code of a game that compiles and is played.

use std::fs;

/// Lines that say something, without tests.
fn code(text: &str) -> usize {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with("/**"))
        .count()
}

#[test]
fn the_guides_code_is_the_games() {
    let root = crate::root();
    let read = |file: &str| fs::read_to_string(root.join(file)).expect(file);
    let sources = ["src/lib.rs", "src/main.rs", "web/src/index.ts", "bellhop.toml"]
        .map(|file| read(&format!("examples/dots/{file}")));
    let guide = read("docs/writing-a-game.md");
    let mut blocks = 0;
    for block in guide.split("\n```").skip(1).step_by(2) {
        let (kind, code) = block.split_once('\n').expect("a block has a first line");
        if matches!(kind, "rust" | "ts" | "toml") {
            blocks += 1;
            assert!(sources.iter().any(|source| source.contains(code)), "in no file of examples/dots:\n{code}");
        }
    }
    assert!(blocks >= 5, "{blocks}");
    let lines: usize = sources[..3].iter().map(|source| code(source)).sum();
    assert!(lines < 150, "a complete small game has {lines} lines");
}
