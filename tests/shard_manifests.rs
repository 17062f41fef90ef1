//! Checks the manifests of docs/deploy against the schemas of Kubernetes, against HCL,
//! and against the program: their settings select a shard.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "starts kubectl and python")]

mod support;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::fake::Fake;
use support::program::Setup;
use support::tools::{deploy_tools, tool};

const KUBERNETES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/kubernetes");
const NOMAD: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy/nomad/ffmpeg-hls-swarm.nomad.hcl");

/// Reads manifests, checks those of Kubernetes' own kinds against its schemas, in which
/// an unknown field is an error, and prints all as a list.
const VALIDATE: &str = "
import sys, json, yaml, kubernetes_validate
documents = list(yaml.safe_load_all(sys.stdin))
for document in documents:
    if document['apiVersion'] != 'monitoring.coreos.com/v1':
        kubernetes_validate.validate(document, sys.argv[1], strict=True)
json.dump(documents, sys.stdout)
";

const READ_HCL: &str = "
import sys, json, hcl2
json.dump(hcl2.load(sys.stdin), sys.stdout)
";

/// The output of this script, with the packages of `.ci/setup`; `Err` is its error
/// message.
fn python(tools: &Path, script: &str, args: &[&str], input: &[u8]) -> Result<Value, String> {
    let mut run = Command::new("python3");
    run.env("PYTHONPATH", tools).args(["-c", script]).args(args);
    run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The manifests as kubectl would apply them; `None` without the tools.
fn rendered() -> Option<Vec<u8>> {
    let (kubectl, _) = (tool("kubectl")?, tool("python3")?);
    let output = Command::new(kubectl).args(["kustomize", KUBERNETES]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(output.stdout)
}

/// The manifest of this kind.
fn of_kind<'a>(documents: &'a Value, kind: &str) -> &'a Value {
    let mut found = documents.as_array().unwrap().iter().filter(|d| d["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind} in {documents:#}"));
    assert!(found.next().is_none(), "two of {kind}");
    one
}

#[test]
fn manifests_match_the_kubernetes_schemas() {
    let (Some(yaml), Some(tools)) = (rendered(), deploy_tools()) else { return };
    for version in ["1.31", "1.34", "1.37"] {
        python(&tools, VALIDATE, &[version], &yaml)
            .unwrap_or_else(|why| panic!("{version}: {why}"));
    }
    let wrong = String::from_utf8(yaml).unwrap().replace("completionMode", "completionMod");
    let why = python(&tools, VALIDATE, &["1.37"], wrong.as_bytes()).unwrap_err();
    assert!(why.contains("completionMod"), "{why}");
}

#[test]
fn job_is_locked_down_and_divided_consistently() {
    let (Some(yaml), Some(tools)) = (rendered(), deploy_tools()) else { return };
    let documents = python(&tools, VALIDATE, &["1.37"], &yaml).unwrap();
    let job = &of_kind(&documents, "Job")["spec"];
    let pod = &job["template"]["spec"];
    let swarm = &pod["containers"][0];
    assert_eq!(job["completionMode"], "Indexed");
    assert_eq!(job["completions"], job["parallelism"]);
    let shards = swarm["env"].as_array().unwrap().iter().find(|v| v["name"] == "SHARDS").unwrap();
    assert_eq!(shards["value"].as_str().unwrap(), job["completions"].to_string());
    // A failure policy requires this, and so does a retry by index for the first.
    assert_eq!(pod["restartPolicy"], "Never");
    assert!(job["backoffLimitPerIndex"].is_u64());
    for rule in job["podFailurePolicy"]["rules"].as_array().unwrap() {
        let name = &rule["onExitCodes"]["containerName"];
        assert!(name.is_null() || *name == swarm["name"], "{rule}");
    }
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let secure = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    });
    assert_eq!(swarm["securityContext"], secure);
    let labels = &job["template"]["metadata"]["labels"];
    for selector in [
        &pod["topologySpreadConstraints"][0]["labelSelector"],
        &of_kind(&documents, "PodMonitor")["spec"]["selector"],
    ] {
        assert_eq!(&selector["matchLabels"], labels);
    }
    // The name of the settings contains a hash of them.
    let settings = of_kind(&documents, "ConfigMap");
    assert_eq!(swarm["envFrom"][0]["configMapRef"]["name"], settings["metadata"]["name"]);
}

#[test]
fn pods_are_scraped_at_their_declared_port() {
    let (Some(yaml), Some(tools)) = (rendered(), deploy_tools()) else { return };
    let documents = python(&tools, VALIDATE, &["1.37"], &yaml).unwrap();
    let port = &of_kind(&documents, "Job")["spec"]["template"]["spec"]["containers"][0]["ports"][0];
    let monitor = of_kind(&documents, "PodMonitor");
    assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
    let endpoint = &monitor["spec"]["podMetricsEndpoints"][0];
    assert_eq!((&endpoint["port"], &endpoint["path"]), (&port["name"], &json!("/metrics")));
    assert_eq!(port["containerPort"], 9090);
    let known = ["port", "path", "interval", "relabelings"];
    assert!(endpoint.as_object().unwrap().keys().all(|field| known.contains(&field.as_str())));
    let relabelling = &endpoint["relabelings"][0];
    assert_eq!(relabelling["targetLabel"], "shard");
    assert!(relabelling["sourceLabels"][0].as_str().unwrap().starts_with("__meta_kubernetes_pod_"));
}

#[test]
fn job_settings_select_a_shard() {
    let (Some(yaml), Some(tools)) = (rendered(), deploy_tools()) else { return };
    let documents = python(&tools, VALIDATE, &["1.37"], &yaml).unwrap();
    let swarm = &of_kind(&documents, "Job")["spec"]["template"]["spec"]["containers"][0];
    let args: Vec<_> =
        swarm["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let fake = Fake::named("ffmpeg");
    let mut setup = Setup::with(&args).args(&["--skip-preflight"]);
    for (name, value) in of_kind(&documents, "ConfigMap")["data"].as_object().unwrap() {
        setup = setup.env(name, value.as_str().unwrap());
    }
    let shards = swarm["env"][0]["value"].as_str().unwrap();
    let setup = setup
        .env("SHARDS", shards)
        .env("JOB_COMPLETION_INDEX", "2")
        .env("METRICS_PORT", "127.0.0.1:0")
        .env("FFMPEG", fake.path().to_str().unwrap())
        .env("STREAM_URL", "http://127.0.0.1:9/wait")
        .env("DURATION", "500ms");
    let ended = setup.run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let line = ended.stdout.lines().find(|line| line.starts_with("{\"schema_version\"")).unwrap();
    let summary: Value = serde_json::from_str(line).unwrap();
    assert_eq!(summary["shard"], json!({ "index": 2, "count": 4, "clients": 1000 }));
    assert_eq!(summary["clients"]["target"], 250);
}

#[test]
fn the_nomad_job_gives_each_allocation_its_shard() {
    let Some(tools) = tool("python3").and_then(|_| deploy_tools()) else { return };
    let job = python(&tools, READ_HCL, &[], &std::fs::read(NOMAD).unwrap()).unwrap();
    // Names and texts are quoted.
    let text = |value: &Value| value.as_str().unwrap().trim_matches('"').to_owned();
    let group = &job["job"][0]["\"ffmpeg-hls-swarm\""]["group"][0]["\"shards\""];
    let task = &group["task"][0]["\"swarm\""];
    let env = &task["env"][0];
    let count = group["count"].as_u64().unwrap();
    assert_eq!(text(&env["SHARD"]), format!("${{NOMAD_ALLOC_INDEX}}/{count}"));
    assert_eq!(text(&env["METRICS_PORT"]), "0.0.0.0:${NOMAD_PORT_metrics}");
    assert!(group["network"][0]["port"][0]["\"metrics\""].is_object());
    let config = &task["config"][0];
    assert_eq!(config["readonly_rootfs"], true);
    assert_eq!(text(&config["cap_drop"][0]), "all");
    assert_eq!(text(&task["user"]), "65532:65532");
    for name in ["STREAM_URL", "CLIENTS", "RAMP_RATE", "DURATION", "SEED", "START_AT"] {
        assert!(env[name].is_string(), "{name}");
    }
}
