//! Where something was measured.

use std::fs;
use std::process::Command;

/// The processor, the memory and the system of this machine.
pub(crate) fn machine() -> String {
    // Not those that this process may use: it is on one of them.
    let cores = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cores = cores
        .lines()
        .filter(|it| it.starts_with("processor"))
        .count();
    let processor = field("/proc/cpuinfo", "model name");
    let memory: u64 = field("/proc/meminfo", "MemTotal")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default();
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{processor}, {cores} cores, {} GiB, Linux {}",
        (memory + (1 << 19)) >> 20,
        system.trim()
    )
}

/// What the same code may count differently with: the compiler, the C library, and what crates ask the
/// processor for.
pub(crate) fn counted_with() -> String {
    let avx2 = field("/proc/cpuinfo", "flags")
        .split(' ')
        .any(|it| it == "avx2");
    format!(
        "{}, {}, {}",
        version("rustc", &["--version"]),
        version("getconf", &["GNU_LIBC_VERSION"]),
        if avx2 { "AVX2" } else { "no AVX2" },
    )
}

/// What a program says about its version, in its first line.
pub(crate) fn version(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|it| it.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or("unknown").trim().to_owned()
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let found = fields.find(|(it, _)| it.trim() == name);
    found
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}
