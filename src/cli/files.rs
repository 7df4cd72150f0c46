//! Reading what a user names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Failure;

/// Larger inputs are refused: no run, claim or witness is anywhere near.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let wrong = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Failure::in_file(path, "there is no such file")
            .advise("check the path; it is read relative to the current folder"),
        io::ErrorKind::PermissionDenied => {
            Failure::in_file(path, "the file may not be read (permission denied)")
        }
        _ => Failure::in_file(path, format!("the file cannot be read: {e}")),
    };
    let file = File::open(path).map_err(wrong)?;
    if file.metadata().map_err(wrong)?.is_dir() {
        return Err(Failure::in_file(path, "found a folder, expected a file"));
    }
    let mut bytes = Vec::new();
    // Not the length that the file system states: a pipe or a device has none.
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(wrong)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::in_file(
            path,
            format!("is larger than {} MiB", MAX_BYTES >> 20),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Failure::in_file(
            path,
            format!("byte {at} is not UTF-8: expected a text file"),
        )
    })?;
    if text.trim().is_empty() {
        return Err(Failure::in_file(path, "the file is empty"));
    }
    Ok(text)
}
