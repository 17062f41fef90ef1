//! The Nix files: their syntax, and all outputs of the flake, evaluated with a stand-in
//! for nixpkgs (`tests/nix/`). Nothing is built, and errors that only the real nixpkgs
//! shows are not found.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts nix-instantiate")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ffmpeg_hls_swarm::cli::load_command;
use serde_json::{Value, json};
use support::folder;
use support::tools::tool;

/// Flags of a load that are not settings of a service: they print something, or need a
/// terminal.
const NO_SETTINGS: &[&str] = &["help", "version", "print-cmd", "tui"];

const SYSTEMS: [&str; 2] = ["x86_64-linux", "aarch64-linux"];

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(top().join(file)).unwrap()
}

/// nix-instantiate with a home and a store separate from those of the machine.
fn nix(args: &[&str], file: &Path) -> Option<Output> {
    let tool = tool("nix-instantiate")?;
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let output = Command::new(tool)
        .args(["--option", "build-users-group", ""])
        .args(args)
        .arg(file)
        .env_remove("NIX_PATH")
        .env("HOME", folder.path())
        .env("NIX_STORE_DIR", at("store"))
        .env("NIX_STATE_DIR", at("state"))
        .env("NIX_LOG_DIR", at("log"))
        .env("NIX_CONF_DIR", at("conf"))
        .output()
        .unwrap();
    Some(output)
}

/// The output of tests/nix/evaluate.nix.
fn evaluated() -> Option<Value> {
    let output = nix(&["--eval", "--strict", "--json"], &top().join("tests/nix/evaluate.nix"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

#[test]
fn every_nix_file_parses() {
    let folders = ["", "docs/deploy/nix", "tests/nix"].map(|folder| top().join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == "nix")).collect();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let Some(output) = nix(&["--parse"], &file) else { return };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", file.display());
    }
}

#[test]
fn the_flake_has_its_outputs_for_both_architectures() {
    let Some(outputs) = evaluated() else { return };
    for system in SYSTEMS {
        let of = |output: &str| names(&outputs[output][system]);
        assert_eq!(of("packages"), ["container", "default", "lean-ffmpeg", "microvm"]);
        assert_eq!(of("apps"), ["default", "demo", "origin"]);
        assert_eq!(of("devShells"), ["default"]);
        for check in ["build", "clippy", "formatting", "nixos", "tests"] {
            assert!(of("checks").contains(&check), "{check}");
        }
    }
    assert!(outputs["input"].as_str().unwrap().starts_with("github:NixOS/nixpkgs/nixos-"));
}

/// The words of a list at the start of the script.
fn list<'a>(script: &'a str, name: &str) -> Vec<&'a str> {
    let line = script.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("=("));
    line.unwrap().trim_end_matches(')').split(' ').collect()
}

#[test]
fn lean_ffmpeg_matches_the_script() {
    let Some(outputs) = evaluated() else { return };
    let script = read("docs/lean-ffmpeg.sh");
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    wanted.extend(list(&script, "without").iter().map(|part| format!("--disable-{part}")));
    wanted.extend(list(&script, "with").iter().map(|part| format!("--enable-{part}")));
    for kind in ["protocol", "demuxer", "muxer", "parser", "decoder"] {
        let parts = list(&script, &format!("{kind}s"));
        wanted.extend(parts.iter().map(|part| format!("--enable-{kind}={part}")));
    }
    wanted.extend(["--enable-gnutls".to_owned(), "--extra-version=lean".to_owned()]);
    let of_the_machine = ["--target-os=", "--arch=", "--pkg-config=", "--cc="];
    let flags = words(&outputs["leanFlags"]).into_iter();
    let flags = flags.filter(|flag| !of_the_machine.iter().any(|own| flag.starts_with(own)));
    assert_eq!(flags.map(str::to_owned).collect::<BTreeSet<_>>(), wanted);
    assert!(wanted.contains("--enable-demuxer=hls") && wanted.contains("--disable-everything"));
}

#[test]
fn image_contains_only_what_it_needs() {
    let Some(outputs) = evaluated() else { return };
    let image = &outputs["image"];
    let contents: Vec<_> = words(&image["contents"]);
    assert_eq!(contents.len(), 3, "{contents:?}");
    for (content, name) in contents.iter().zip(["ffmpeg-hls-swarm", "ffmpeg-lean", "ca-cert"]) {
        assert!(content.starts_with(name), "{content}");
    }
    let config = &image["config"];
    let program = words(&config["Entrypoint"])[0];
    assert!(program.ends_with("/bin/ffmpeg-hls-swarm"), "{program}");
    assert_eq!(config["Healthcheck"]["Test"], json!(["CMD", program, "healthcheck"]));
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(names(&config["ExposedPorts"]), ["9090/tcp"]);
    assert!(names(&config["Labels"]).iter().all(|name| name.starts_with("org.opencontainers.")));
}

/// `ramp-rate` as `rampRate`.
fn camel_case(flag: &str) -> String {
    let mut words = flag.split('-');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn every_flag_of_a_load_is_an_option_of_the_module() {
    let Some(outputs) = evaluated() else { return };
    let options: BTreeSet<_> = words(&outputs["options"]).into_iter().map(str::to_owned).collect();
    let command = load_command();
    let flags = command.get_arguments().filter_map(clap::Arg::get_long);
    let flags: BTreeSet<_> =
        flags.filter(|flag| !NO_SETTINGS.contains(flag)).map(camel_case).collect();
    assert!(flags.contains("rampRate"));
    assert_eq!(options, flags, "docs/deploy/nix/flags.nix lists them");
}

#[test]
fn the_profiles_have_their_sizes() {
    let Some(outputs) = evaluated() else { return };
    let sizes = BTreeMap::from([
        ("default", (50, 5)),
        ("gentle", (20, 1)),
        ("stress", (200, 20)),
        ("burst", (100, 50)),
        ("extreme", (500, 50)),
    ]);
    assert_eq!(names(&outputs["profiles"]), sizes.keys().copied().collect::<Vec<_>>());
    for (profile, (clients, rate)) in sizes {
        let start = outputs["profiles"][profile].as_str().unwrap();
        let arguments = [format!("\"-clients={clients}\""), format!("\"-ramp-rate={rate}\"")];
        for argument in arguments {
            assert!(start.split(' ').any(|word| word == argument), "{profile}: {start}");
        }
    }
}

#[test]
fn settings_become_arguments_and_override_the_profile() {
    let Some(outputs) = evaluated() else { return };
    let service = &outputs["settings"];
    let start = service["ExecStart"].as_str().unwrap();
    for argument in [
        "\"-clients=7\"",
        "\"-ramp-rate=2.5",
        "\"-reconnect=false\"",
        "\"-header=A: b\" \"-header=C: d\"",
        "\"-metrics=9100\"",
        "/bin/ffmpeg\"",
        " \"http://origin.example/stream.m3u8\"",
    ] {
        assert!(start.contains(argument), "{argument} in {start}");
    }
    assert_eq!(service["EnvironmentFile"], "/run/secrets/swarm");
}

/// The lines of a section of the plain unit, without those that the module sets itself.
fn plain_unit(section: &str, own: &[&str]) -> BTreeSet<String> {
    let text = read("docs/deploy/systemd/ffmpeg-hls-swarm.service");
    let heading = format!("[{section}]");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| !own.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
}

/// The same of a unit made by the module.
fn made_unit(settings: &Value, own: &[&str]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for (name, value) in settings.as_object().unwrap() {
        let values = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
        lines.extend(values.iter().map(|value| format!("{name}={}", value.as_str().unwrap())));
    }
    lines.into_iter().filter(|line| !own.iter().any(|name| line.starts_with(name))).collect()
}

#[test]
fn units_equal_the_plain_unit() {
    let Some(outputs) = evaluated() else { return };
    let own = ["ExecStart=", "EnvironmentFile=", "StateDirectory=", "WorkingDirectory="];
    let plain = plain_unit("Service", &own);
    assert!(plain.contains("Type=notify") && plain.len() > 40, "{plain:?}");
    for (outputs, name) in
        [(&outputs["load"], "ffmpeg-hls-swarm"), (&outputs["origin"], "ffmpeg-hls-swarm-origin")]
    {
        let unit = &outputs["units"][name];
        assert_eq!(made_unit(&unit["serviceConfig"], &own), plain, "{name}");
        assert_eq!(unit["serviceConfig"]["StateDirectory"], name);
        assert_eq!(unit["wantedBy"], json!(["multi-user.target"]));
    }
    let unit = &outputs["load"]["units"]["ffmpeg-hls-swarm"];
    let own = ["Description=", "Wants=", "After="];
    assert_eq!(made_unit(&unit["unitConfig"], &own), plain_unit("Unit", &own));
}

#[test]
fn kernel_gets_the_plain_settings() {
    let Some(outputs) = evaluated() else { return };
    let text = read("docs/deploy/systemd/sysctl.conf");
    let lines = text.lines().filter_map(|line| line.split_once(" = "));
    let plain: BTreeMap<_, _> = lines.filter(|(name, _)| !name.starts_with('#')).collect();
    assert!(plain.contains_key("net.ipv4.ip_local_port_range"));
    let sysctl = outputs["load"]["sysctl"].as_object().unwrap();
    let made = sysctl.iter().map(|(name, value)| {
        (name.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    let made: BTreeMap<_, _> = made.collect();
    assert_eq!(made.len(), plain.len());
    for (name, value) in plain {
        assert_eq!(made[name], value, "{name}");
    }
    assert_eq!(outputs["origin"]["sysctl"], json!({}));
}

#[test]
fn disabled_module_changes_nothing() {
    let Some(outputs) = evaluated() else { return };
    assert_eq!(outputs["off"], json!({"units": {}, "sysctl": {}, "ports": []}));
    assert_eq!(outputs["load"]["ports"], json!([9090]));
    assert_eq!(outputs["origin"]["ports"], json!([8080]));
    let origin =
        &outputs["origin"]["units"]["ffmpeg-hls-swarm-origin"]["serviceConfig"]["ExecStart"];
    let start = "\"origin\" \"-listen=0.0.0.0:8080\" \"-fault=404:segments:5%%\"";
    assert!(origin.as_str().unwrap().ends_with(start), "{origin}");
}

#[test]
fn rejects_invalid_settings() {
    let Some(outputs) = evaluated() else { return };
    for (case, accepted) in outputs["accepted"].as_object().unwrap() {
        assert_eq!(accepted, true, "{case}");
    }
    let refused = outputs["refused"].as_object().unwrap();
    assert!(refused.len() >= 10);
    for (case, accepted) in refused {
        assert_eq!(accepted, false, "{case}");
    }
    assert!(words(&outputs["missingUrl"])[0].contains("needs a url"));
}
