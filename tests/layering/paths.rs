//! The paths that a file uses, read off its token trees: there comments are gone, texts are no code,
//! and what stands in the arguments of a macro is as plain as the rest.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What a file uses besides what is compiled for tests only.
#[derive(Default)]
pub struct Used {
    /// Every path in full, groups taken apart: `std::{fs, io::Read}` is `std::fs` and
    /// `std::io::Read`.
    pub paths: Vec<Vec<String>>,
    /// The modules for tests only that stand in files of their own.
    pub test_modules: Vec<String>,
}

impl Used {
    pub fn by(source: &str) -> Self {
        let mut used = Self::default();
        used.walk(&trees(source.parse().expect("tokens of Rust")));
        used
    }

    fn walk(&mut self, tokens: &[TokenTree]) {
        let mut i = 0;
        while i < tokens.len() {
            i = match &tokens[i] {
                TokenTree::Ident(_) => self.path(tokens, i, &[]),
                TokenTree::Punct(_) if is_for_tests(&tokens[i..]) => self.skip(tokens, i),
                TokenTree::Group(group) => {
                    self.walk(&trees(group.stream()));
                    i + 1
                }
                _ => i + 1,
            };
        }
    }

    /// Reads the path that begins at `i`, after `prefix`; where it ends.
    fn path(&mut self, tokens: &[TokenTree], mut i: usize, prefix: &[String]) -> usize {
        let mut path = prefix.to_vec();
        loop {
            match tokens.get(i) {
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inside = trees(group.stream());
                    let mut at = 0;
                    while at < inside.len() {
                        at = match &inside[at] {
                            TokenTree::Ident(_) => self.path(&inside, at, &path),
                            TokenTree::Punct(p) if p.as_char() == '*' => {
                                self.path(&inside, at, &path)
                            }
                            _ => at + 1,
                        };
                    }
                    return i + 1;
                }
                Some(word @ TokenTree::Ident(_)) => path.push(word.to_string()),
                Some(TokenTree::Punct(p)) if p.as_char() == '*' => path.push("*".to_owned()),
                _ => break,
            }
            i += 1;
            if !(is_punct(tokens, i, ':') && is_punct(tokens, i + 1, ':')) {
                break;
            }
            i += 2;
        }
        self.paths.push(path);
        i
    }

    /// The end of the item whose first attribute begins at `i`: its `;`, or the brace that closes
    /// its body.
    fn skip(&mut self, tokens: &[TokenTree], mut i: usize) -> usize {
        while is_punct(tokens, i, '#') {
            i += 2;
        }
        let words: Vec<String> = tokens[i..]
            .iter()
            .take(4)
            .map(ToString::to_string)
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ["mod", name, ";", ..] | ["pub", "mod", name, ";"] = words.as_slice() {
            self.test_modules.push((*name).to_owned());
        }
        let has_body = !words.iter().take(2).any(|w| *w == "use");
        let ends = |at: usize| is_punct(tokens, at, ';') || has_body && is_body(tokens, at);
        (i..tokens.len())
            .find(|at| ends(*at))
            .map_or(tokens.len(), |at| at + 1)
    }
}

fn trees(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

fn is_punct(tokens: &[TokenTree], i: usize, what: char) -> bool {
    matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == what)
}

fn is_body(tokens: &[TokenTree], i: usize) -> bool {
    matches!(tokens.get(i), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace)
}

/// An attribute that stands for tests: `#[cfg(test)]`, or with more conditions besides.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(attribute)) = tokens.get(1) else {
        return false;
    };
    let mut words = vec![];
    words_of(attribute, &mut words);
    let names = |what: &str| words.iter().any(|w| w == what);
    let is_cfg = is_punct(tokens, 0, '#') && words.first().is_some_and(|w| w == "cfg");
    is_cfg && names("test") && !names("not") && !names("any")
}

fn words_of(group: &Group, words: &mut Vec<String>) {
    for tree in group.stream() {
        match tree {
            TokenTree::Group(group) => words_of(&group, words),
            TokenTree::Ident(word) => words.push(word.to_string()),
            _ => {}
        }
    }
}
