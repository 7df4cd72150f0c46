//! Just enough of Rust's syntax to see what a file uses: tokens without comments and texts,
//! code without what is compiled for tests only, and full paths.

/// Identifiers, `::`, and single characters of punctuation. Comments and the insides of texts
/// are left out.
pub fn tokens(source: &str) -> Vec<String> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = at(i);
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            i = after_block_comment(&chars, i);
        } else if c == '"' {
            i = after_text(&chars, i);
        } else if c == '\'' {
            i = after_quote(&chars, i);
        } else if c.is_alphabetic() || c == '_' {
            let start = i;
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            let word: String = chars[start..i].iter().collect();
            match (word.as_str(), at(i)) {
                ("r" | "br" | "cr", '"' | '#') if opens_raw_text(&chars, i) => {
                    i = after_raw_text(&chars, i);
                }
                ("b" | "c", '"') => i = after_text(&chars, i),
                ("b", '\'') => i = after_quote(&chars, i),
                _ => tokens.push(word),
            }
        } else if c == ':' && at(i + 1) == ':' {
            tokens.push("::".to_owned());
            i += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            i += 1;
        }
    }
    tokens
}

fn after_block_comment(chars: &[char], mut i: usize) -> usize {
    let mut depth = 0;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                i += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    i
}

/// `i` is at the opening quotation mark.
fn after_text(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// A character, or a lifetime: only the former has a second quotation mark.
fn after_quote(chars: &[char], i: usize) -> usize {
    match (chars.get(i + 1), chars.get(i + 2)) {
        (Some('\\'), _) => {
            let mut end = i + 3;
            while end < chars.len() && chars[end] != '\'' {
                end += 1;
            }
            end + 1
        }
        (Some(_), Some('\'')) => i + 3,
        _ => i + 1,
    }
}

fn opens_raw_text(chars: &[char], mut i: usize) -> bool {
    while chars.get(i) == Some(&'#') {
        i += 1;
    }
    chars.get(i) == Some(&'"')
}

fn after_raw_text(chars: &[char], mut i: usize) -> usize {
    let mut hashes = 0;
    while chars.get(i) == Some(&'#') {
        hashes += 1;
        i += 1;
    }
    i += 1;
    while i < chars.len() {
        let closes = chars[i] == '"' && (1..=hashes).all(|n| chars.get(i + n) == Some(&'#'));
        if closes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// The tokens without items under `#[cfg(test)]`, and the names of the modules among these that
/// stand in files of their own.
pub fn without_tests(tokens: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        let (end, is_test) = attribute(tokens, i);
        if !is_test {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        i = end;
        while attribute(tokens, i).0 > i {
            i = attribute(tokens, i).0;
        }
        let start = i;
        i = after_item(tokens, i);
        let words: Vec<&str> = tokens[start..i].iter().map(String::as_str).collect();
        if let ["mod", name, ";"] | ["pub", "mod", name, ";"] = words.as_slice() {
            modules.push((*name).to_owned());
        }
    }
    (kept, modules)
}

/// The end of the attribute that begins at `i` (or `i`), and whether it stands for tests.
fn attribute(tokens: &[String], i: usize) -> (usize, bool) {
    let is = |at: usize, what: &str| tokens.get(at).is_some_and(|t| t == what);
    if !(is(i, "#") && is(i + 1, "[")) {
        return (i, false);
    }
    let mut depth = 0;
    let mut end = i + 1;
    while end < tokens.len() {
        match tokens[end].as_str() {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        end += 1;
        if depth == 0 {
            break;
        }
    }
    let inside = &tokens[i..end];
    let names = |what: &str| inside.iter().any(|t| t == what);
    let is_test = is(i + 2, "cfg") && names("test") && !names("not") && !names("any");
    (end, is_test)
}

/// The end of the item that begins at `i`: its `;`, or the brace that closes its body.
fn after_item(tokens: &[String], mut i: usize) -> usize {
    let is_use = tokens[i..].iter().take(2).any(|t| t == "use");
    let mut depth = 0;
    while i < tokens.len() {
        match tokens[i].as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let ends = match tokens[i].as_str() {
            ";" => depth == 0,
            "}" => depth == 0 && !is_use,
            _ => false,
        };
        i += 1;
        if ends {
            break;
        }
    }
    i
}

/// Every path in full, groups taken apart: `std::{fs, io::Read}` is `std::fs` and
/// `std::io::Read`.
pub fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if is_word(&tokens[i]) {
            i = path(tokens, i, &[], &mut all);
        } else {
            i += 1;
        }
    }
    all
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn path(tokens: &[String], mut i: usize, prefix: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(i).map(String::as_str) {
            Some("{") => return group(tokens, i + 1, &path, all),
            Some(word) if is_word(word) || word == "*" => {
                path.push(word.to_owned());
                i += 1;
            }
            _ => break,
        }
        if tokens.get(i).map(String::as_str) != Some("::") {
            break;
        }
        i += 1;
    }
    all.push(path);
    i
}

fn group(tokens: &[String], mut i: usize, prefix: &[String], all: &mut Vec<Vec<String>>) -> usize {
    while i < tokens.len() {
        match tokens[i].as_str() {
            "}" => return i + 1,
            word if is_word(word) || word == "{" || word == "*" => {
                i = self::path(tokens, i, prefix, all);
            }
            _ => i += 1,
        }
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths_of(source: &str) -> Vec<String> {
        let (kept, _) = without_tests(&tokens(source));
        paths(&kept).iter().map(|p| p.join("::")).collect()
    }

    #[test]
    fn comments_texts_and_characters_are_no_code() {
        let source = "
            // crate::a
            /* crate::b /* nested */ crate::c */
            let x = \"crate::d \\\" crate::e\";
            let y = r#\"crate::f \" \"#;
            let z = b\"crate::g\"; let q = '\"'; let n = '\\''; let b = b'\\\"';
            fn f<'a>(x: &'a str) { crate::h::i() }";
        let found = paths_of(source);
        let of_crate: Vec<_> = found.iter().filter(|p| p.starts_with("crate")).collect();
        assert_eq!(of_crate, ["crate::h::i"]);
    }

    #[test]
    fn groups_are_taken_apart() {
        let found = paths_of("use crate::{a::{B, c::D}, e::*, self}; use std::{fs, io};");
        for path in [
            "crate::a::B",
            "crate::a::c::D",
            "crate::e::*",
            "std::fs",
            "std::io",
        ] {
            assert!(found.iter().any(|p| p == path), "{path} in {found:?}");
        }
    }

    #[test]
    fn what_is_for_tests_only_is_left_out() {
        let source = "
            use crate::a;
            #[cfg(test)] mod laws;
            #[cfg(test)] #[allow(x)] mod tests { use crate::b; fn f() { g(); } }
            #[cfg(test)] use crate::{c, d};
            #[cfg(not(test))] use crate::e;
            #[derive(Debug)] struct S { x: crate::f }";
        let (kept, modules) = without_tests(&tokens(source));
        assert_eq!(modules, ["laws"]);
        let rooms: Vec<String> = paths(&kept)
            .into_iter()
            .filter(|p| p[0] == "crate")
            .map(|p| p[1].clone())
            .collect();
        assert_eq!(rooms, ["a", "e", "f"]);
    }
}
