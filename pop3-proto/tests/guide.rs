//! The guide and the files of the repository that it shows are equal.

use std::fs;
use std::path::Path;

#[test]
fn the_chapter_about_fuzzing_shows_the_fuzz_target() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chapter = fs::read_to_string(here.join("src/guide/fuzzing.md")).unwrap();
    let target = fs::read_to_string(here.join("../fuzz/fuzz_targets/own_loop.rs")).unwrap();
    let (_, code) = target.split_once("#![no_main]\n\n").unwrap();
    assert!(chapter.contains(code), "copy the target into the chapter");
}
