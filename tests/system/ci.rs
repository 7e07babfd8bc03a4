//! The gate in pipelines: the scripts of `examples/ci` as they stand there, against a real server and a platform that
//! signs the identity of each run.

use crate::api::{Api, register_scorer, set_up};
use crate::platform::{Platform, REQUEST_TOKEN};
use crate::servers::say;
use crate::support::{Ended, Server, command, ended};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// May go to staging, and not to production.
const VERSION: &str = "credit/scorer@v1";

/// A server on which the pipeline of a platform is trusted, and a version that may go to one environment of two.
struct Scene {
    server: Server,
    platform: Platform,
    owner: Api,
    /// What the pipelines leave behind.
    folder: tempfile::TempDir,
}

impl Scene {
    /// None without openssl.
    fn new() -> Option<Self> {
        let Some(platform) = Platform::start() else {
            assert!(std::env::var_os("CI").is_none(), "CI needs openssl");
            say("SKIPPED: there is no openssl");
            return None;
        };
        let server = Server::start();
        let tokens = set_up(&server);
        let (owner, builder) = (Api::new(&server.url, &tokens.owner), Api::new(&server.url, &tokens.builder));
        std::fs::write(server.path("model.bin"), b"a model").unwrap();
        let stored = server.call(&tokens.builder, &["artifact", "upload", "model.bin"]).json();
        register_scorer(&builder, stored["id"].as_str().unwrap());
        owner.post("/service-accounts", "p", &json!({"slug": "pipeline"}));
        owner.post("/roles/grant", "r", &json!({"principal": "pipeline", "role": "ci"}));
        let trust = json!({
            "service_account": "pipeline", "issuer": platform.url, "audience": "comptroller",
            "claims": {"repository_id": "4711", "ref": "refs/heads/main"},
        });
        owner.post("/workload-trusts", "t", &trust);
        Some(Self { server, platform, owner, folder: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A shell whose `PATH` begins with our program, in the folder of the pipelines.
    fn shell(&self, words: &[&str]) -> Command {
        let program = command(self.folder.path());
        let folder = Path::new(program.get_program()).parent().unwrap();
        let mut shell = Command::new(words[0]);
        for (name, value) in program.get_envs().filter(|(_, value)| value.is_none()) {
            assert!(value.is_none());
            shell.env_remove(name);
        }
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        shell.args(&words[1..]).current_dir(self.folder.path()).env("PATH", path).env("NO_COLOR", "1");
        for name in ["output", "summary"] {
            let _ = std::fs::remove_file(self.path(name));
        }
        shell
    }

    /// Runs the script of the composite action with these inputs, and as a run that may ask for its identity.
    fn action(&self, inputs: &[(&str, &str)], may_identify: bool) -> Ended {
        let text = example("action.yml");
        let script = blocks(&text, "run: |").concat();
        std::fs::write(self.path("step.sh"), script).unwrap();
        // As the runner does for `shell: bash`.
        let mut shell = self.shell(&["bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh"]);
        for (name, input) in mapped(&text) {
            let given =
                inputs.iter().find(|(known, _)| *known == input).map(|(_, value)| (*value).to_owned());
            shell.env(name, given.or_else(|| default(&text, &input)).unwrap_or_default());
        }
        shell.env("GITHUB_OUTPUT", self.path("output")).env("GITHUB_STEP_SUMMARY", self.path("summary"));
        if may_identify {
            let address = format!("{}/identity?api-version=2.0", self.platform.url);
            shell.env("ACTIONS_ID_TOKEN_REQUEST_URL", address);
            shell.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN);
        }
        ended(&mut shell)
    }

    fn decisions(&self) -> usize {
        self.owner.all("/decisions?").len()
    }
}

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ci");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The literal blocks that begin with a line `head`, each without its indentation.
fn blocks(text: &str, head: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start() == head) {
        let inside = indent(line) + 2;
        let block = lines[number + 1..].iter().take_while(|next| next.is_empty() || indent(next) >= inside);
        found.push(block.map(|line| format!("{}\n", line.get(inside..).unwrap_or_default())).collect());
    }
    found
}

/// The variables of the action's step, each with the input that it carries.
fn mapped(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (name, rest) = line.trim().split_once(": ${{ inputs.")?;
        Some((name.to_owned(), rest.strip_suffix(" }}")?.to_owned()))
    };
    let mapped: BTreeMap<String, String> = text.lines().filter_map(pair).collect();
    assert_eq!(mapped.len(), 7, "{mapped:?}");
    mapped
}

/// The default of an input of the action.
fn default(text: &str, input: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("\n  {input}:\n"))?;
    let mut own = rest.lines().take_while(|line| line.starts_with("    "));
    let value = own.find_map(|line| line.trim().strip_prefix("default: "))?;
    Some(value.trim_matches('"').to_owned())
}

#[test]
fn the_action_annotates_summarises_and_stops_the_job() {
    let Some(scene) = Scene::new() else { return };
    let url = scene.server.url.clone();
    let inputs = |environment| [("version", VERSION), ("environment", environment), ("url", url.as_str())];

    let allowed = scene.action(&inputs("staging"), true);
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    assert_eq!(scene.decisions(), 1, "one question, whatever the number of reports");
    let outputs = scene.read("output");
    assert!(outputs.contains("outcome=allow\n") && outputs.contains("exit_code=0\n"), "{outputs}");
    let decision = outputs.lines().find_map(|line| line.strip_prefix("decision=")).unwrap();
    assert!(scene.owner.all("/decisions?").iter().any(|item| item["id"] == decision));
    assert!(scene.read("summary").starts_with("## ✅ Gate: allow"), "{}", scene.read("summary"));
    assert!(scene.read("comptroller-gate/gate.xml").contains("failures=\"0\""));
    // Nothing but workflow commands, and the token is masked before anything could show it.
    assert!(allowed.stdout.lines().all(|line| line.starts_with("::")), "{allowed:?}");
    let secret = allowed.stdout.lines().next().unwrap().strip_prefix("::add-mask::").unwrap().to_owned();
    assert!(secret.starts_with("cmp_") && allowed.stdout.matches(&secret).count() == 1);

    let refused = scene.action(&inputs("production"), true);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stdout.contains("\n::error title=Gate%3A deny::deny: credit/scorer@v1"), "{refused:?}");
    assert!(
        scene.read("output").contains("outcome=deny\n") && scene.read("output").contains("exit_code=2\n")
    );
    let summary = scene.read("summary");
    assert!(summary.starts_with("## ❌ Gate: deny") && summary.contains("| Rule |"), "{summary}");
    assert!(scene.read("comptroller-gate/gate.xml").contains("<failure message="));
    let log: serde_json::Value = serde_json::from_str(&scene.read("comptroller-gate/gate.sarif")).unwrap();
    assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty());
    let answer: serde_json::Value = serde_json::from_str(&scene.read("comptroller-gate/gate.json")).unwrap();
    assert_eq!(answer["outcome"], "deny");
    assert_eq!(scene.decisions(), 2);
}

#[test]
fn the_action_without_an_answer_is_no_allow() {
    let Some(scene) = Scene::new() else { return };
    let url = scene.server.url.clone();
    let inputs = [("version", VERSION), ("environment", "staging"), ("url", url.as_str())];

    let nobody = scene.action(&inputs, false);
    assert_eq!(nobody.code, Some(6), "{nobody:?}");
    assert!(nobody.stdout.starts_with("::error title=Gate::no credential"), "{nobody:?}");
    let stranger = scene.action(&[&inputs[..], &[("audience", "somebody-else")]].concat(), true);
    assert_eq!(stranger.code, Some(6), "{stranger:?}");

    std::fs::write(scene.path("token"), scene.server.bootstrap()).unwrap();
    let file = ("token-file", "token");
    let gone = [("version", VERSION), ("environment", "staging"), ("url", "http://127.0.0.1:9"), file];
    let unreachable = scene.action(&gone, false);
    assert_eq!(unreachable.code, Some(9), "{unreachable:?}");
    let outputs = scene.read("output");
    assert!(outputs.contains("exit_code=9\n") && !outputs.contains("outcome="), "{outputs}");
    assert!(scene.read("summary").contains("no answer"));

    // What a caller puts into an input stays a value.
    let hostile = "x\"; touch pwned; $(touch pwned) `touch pwned` --env=dev";
    let odd = [("version", hostile), ("environment", "staging"), ("url", url.as_str()), file];
    let ended = scene.action(&odd, false);
    assert!(!matches!(ended.code, Some(0 | 2 | 3 | 4)), "{ended:?}");
    assert!(!scene.path("pwned").exists());
    assert_eq!(scene.decisions(), 0);
}

#[test]
fn the_gitlab_job_leaves_its_reports_and_ends_as_the_gate() {
    let Some(scene) = Scene::new() else { return };
    let text = example("gitlab-ci.yml");
    let script = text.split_once("\n  script:\n").unwrap().1.split_once("\n  artifacts:\n").unwrap().0;
    let mut lines = blocks(script, "- |");
    let plain: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix("    - ").filter(|command| *command != "|"))
        .collect();
    assert_eq!((lines.len(), plain.len()), (2, 1), "{script}");
    lines.insert(1, format!("{}\n", plain[0]));
    std::fs::write(scene.path("job.sh"), lines.concat()).unwrap();
    let run = |environment: &str, audience: &str| {
        let mut shell = scene.shell(&["sh", "-e", "job.sh"]);
        shell.env("COMPTROLLER_URL", &scene.server.url).env("GATE_ACCOUNT", "pipeline");
        shell.env("GATE_VERSION", VERSION).env("GATE_ENVIRONMENT", environment);
        shell.env("GATE_REPORTS", "comptroller-gate").env("GATE_ID_TOKEN", scene.platform.identity(audience));
        ended(&mut shell)
    };

    let allowed = run("staging", "comptroller");
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    assert!(allowed.stdout.starts_with("allow: credit/scorer@v1 to staging\n"), "{allowed:?}");
    assert!(scene.read("comptroller-gate/gate.env").starts_with("outcome=allow\n"));

    let refused = run("production", "comptroller");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(scene.read("comptroller-gate/gate.xml").contains("<failure message="));
    assert!(scene.read("comptroller-gate/gate.md").starts_with("## ❌"));
    assert!(!refused.stdout.contains("cmp_") && !refused.stderr.contains("cmp_"), "{refused:?}");

    let stranger = run("staging", "somebody-else");
    assert_eq!(stranger.code, Some(6), "{stranger:?}");
    assert_eq!(scene.decisions(), 2);
}

#[test]
fn the_hook_runs_the_command_only_if_the_gate_allows_it() {
    let Some(scene) = Scene::new() else { return };
    std::fs::write(scene.path("pre-deploy.sh"), example("pre-deploy.sh")).unwrap();
    let deploy = "env > deployed";
    let hook = |environment: &str, settings: &[(&str, &str)]| {
        let words = ["sh", "pre-deploy.sh", VERSION, environment, "sh", "-c", deploy];
        let _ = std::fs::remove_file(scene.path("deployed"));
        let mut shell = scene.shell(&words);
        shell.env("COMPTROLLER_URL", &scene.server.url).envs(settings.iter().copied());
        let ended = ended(&mut shell);
        (ended, scene.path("deployed").exists())
    };
    std::fs::write(scene.path("token"), scene.server.bootstrap()).unwrap();
    let file = [("COMPTROLLER_TOKEN_FILE", "token")];

    let (allowed, deployed) = hook("staging", &file);
    assert!(allowed.code == Some(0) && deployed, "{allowed:?}");
    assert!(
        !scene.read("deployed").contains("COMPTROLLER_TOKEN"),
        "the command has no use for the credential"
    );
    let (refused, deployed) = hook("production", &file);
    assert!(refused.code == Some(2) && !deployed, "{refused:?}");
    assert!(refused.stderr.contains("does not go to production: denied"), "{refused:?}");
    let (nobody, deployed) = hook("staging", &[]);
    assert!(nobody.code == Some(6) && !deployed, "{nobody:?}");
    let (gone, deployed) = hook("staging", &[file[0], ("COMPTROLLER_URL", "http://127.0.0.1:9")]);
    assert!(gone.code == Some(9) && !deployed, "{gone:?}");

    std::fs::write(scene.path("identity"), scene.platform.identity("comptroller")).unwrap();
    let identity = [("COMPTROLLER_SUBJECT_TOKEN_FILE", "identity")];
    let (exchanged, deployed) = hook("staging", &identity);
    assert!(exchanged.code == Some(0) && deployed, "{exchanged:?}");
    let (again, deployed) = hook("staging", &identity);
    assert!(again.code == Some(6) && !deployed, "an identity works once: {again:?}");

    let bare = ended(&mut scene.shell(&["sh", "pre-deploy.sh", VERSION]));
    assert_eq!(bare.code, Some(5), "{bare:?}");
}
