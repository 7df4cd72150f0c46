//! Reading what a user names, and writing files whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::Failure;

/// So large a file of a run may be, in MiB; none is anywhere near. What is made of a file takes
/// many times its size.
const LARGEST_RUN: u64 = 64;
/// So large a witness may be, in MiB. Its runs are small.
pub(super) const LARGEST_WITNESS: u64 = 4;
/// So large a claim may be, in MiB. It is written by hand.
pub(super) const LARGEST_CLAIM: u64 = 1;

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    read_up_to(path, LARGEST_RUN)
}

/// The text of a file of at most so many MiB.
pub(super) fn read_up_to(path: &Path, mebibytes: u64) -> Result<String, Failure> {
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
    let most = mebibytes << 20;
    file.take(most + 1).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > most {
        let message = format!("is larger than {mebibytes} MiB, which nothing of its kind is");
        return Err(Failure::in_file(path, message));
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

/// Writes a file beside its place and then moves it there, so that nobody, whatever happens,
/// sees half of it. Missing folders are created.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_whole(path, text).map_err(|e| {
        Failure::in_file(path, format!("the file cannot be written: {e}"))
            .advise("check that the folder may be written and that the disk has room")
    })
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(text.as_bytes())?;
    allow_reading(beside.as_file())?;
    beside.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// A temporary file is for its owner's eyes only; a report is not.
#[cfg(unix)]
fn allow_reading(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn allow_reading(_: &File) -> io::Result<()> {
    Ok(())
}
