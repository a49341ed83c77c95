//! Servers of other projects, from their registries.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Absent;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// Installs a package of npm if it is not there; its version.
pub(super) fn npm(package: &str) -> Result<String, Absent> {
    let node = output(Command::new("node").arg("--version"))?;
    let folder = folder();
    let manifest = folder
        .join("node_modules")
        .join(package)
        .join("package.json");
    if !manifest.exists() {
        let mut install = Command::new("npm");
        install.args(["install", "--no-package-lock", "--no-audit", "--no-fund"]);
        output(install.arg("--loglevel=error").current_dir(folder))?;
    }
    let manifest = fs::read(manifest).map_err(|error| Absent(error.to_string()))?;
    let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let version = manifest.get("version").and_then(Value::as_str);
    let version = version.unwrap_or("of an unknown version");
    Ok(format!("{package} {version} on Node.js {node}"))
}

/// Runs a script of the folder of peers.
pub(super) fn node_command(name: &str) -> Vec<OsString> {
    let script = folder().join(name).with_extension("mjs");
    vec!["node".into(), script.into()]
}

/// Builds the Maven project if that has not been done; the versions.
pub(super) fn java() -> Result<String, Absent> {
    let java = output(Command::new("java").arg("--version"))?;
    let project = folder().join("java");
    if !project.join(JAR).exists() {
        let mut package = Command::new("mvn");
        output(package.args(["-q", "-B", "package"]).current_dir(&project))?;
    }
    let libraries = fs::read_dir(project.join(LIBRARIES));
    let libraries = libraries.map_err(|error| Absent(error.to_string()))?;
    let names: Vec<_> = libraries
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .collect();
    let version = |library: &str| {
        let version =
            |name: &str| Some(name.strip_prefix(library)?.strip_suffix(".jar")?.to_owned());
        names.iter().find_map(|it| version(it)).unwrap_or_default()
    };
    Ok(format!(
        "CometD {} on Jetty {}, {}",
        version("cometd-java-server-common-"),
        version("jetty-server-"),
        java.lines().next().unwrap_or_default(),
    ))
}

pub(super) fn java_command() -> Vec<OsString> {
    let project = folder().join("java");
    let mut classes = project.join(JAR).into_os_string();
    classes.push(":");
    classes.push(project.join(LIBRARIES).join("*"));
    let quiet = "-Dorg.eclipse.jetty.LEVEL=WARN".into();
    vec![
        "java".into(),
        quiet,
        "-cp".into(),
        classes,
        "bench.Peer".into(),
    ]
}

/// What `mvn package` makes.
const JAR: &str = "target/bench-peer.jar";
const LIBRARIES: &str = "target/lib";

/// What a program prints, or why it cannot be used.
fn output(command: &mut Command) -> Result<String, Absent> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Absent(format!("{program} not found")),
        _ => Absent(format!("{program}: {error}")),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let error = [output.stdout, output.stderr].concat();
    let error = String::from_utf8_lossy(&error);
    Err(Absent(format!(
        "{program} failed: {}",
        error.lines().next().unwrap_or_default()
    )))
}
