//! The form of a scenario file.

use std::collections::BTreeMap;
use std::fs;
use std::path;

use serde::Deserialize;
use serde_json::Value;

/// What is sent and what is expected, for one case of the specification.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The case, such as `T-HS-1`, `R-` and the rule if no case is about it, or `L-` and the option of a
    /// limit; the file has the same name in lower case.
    pub case: String,
    /// The rules that a server breaks if the scenario fails.
    pub rules: Vec<String>,
    /// What the server does, as a sentence.
    pub title: String,
    /// What the reference of the specification does instead, where a server should do better.
    pub reference: Option<String>,
    /// What a server has to offer to be judged; nothing if it is left out.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Options of the server, on top of the default set-up, by their CometD names.
    #[serde(default)]
    pub options: BTreeMap<String, Value>,
    /// Whether a server with these options starts; it does if this is left out.
    #[serde(default = "yes")]
    pub starts: bool,
    /// Clients that do not use long polling, or share a browser.
    #[serde(default)]
    pub clients: BTreeMap<String, Profile>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

const fn yes() -> bool {
    true
}

/// Something that not every server offers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The channels and the policy of the default set-up.
    Application,
    /// Time that can be moved on, or a set-up with the short times of the specification.
    Clock,
    /// `/service/control`, through which a client makes the server act.
    Control,
}

/// How a client talks to the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Long polling if it is left out.
    #[serde(default)]
    pub transport: Transport,
    /// The client whose cookies it shares; its own if it is left out.
    pub browser: Option<String>,
}

/// A transport of a client.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// `POST`.
    #[default]
    LongPolling,
    /// `GET` with `jsonp=cb`.
    CallbackPolling,
    /// One connection that is opened when it is first used.
    Websocket,
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Explains what follows.
    Note(String),
    /// These clients handshake, and the server accepts.
    Handshake(Vec<String>),
    /// These clients handshake and connect once with `advice.timeout` 0, and the server accepts.
    Up(Vec<String>),
    /// These clients subscribe, and the server accepts.
    Subscribe(BTreeMap<String, Value>),
    /// Sends, and waits for the answer, which comes at once if nothing else is said.
    Send(Send),
    /// Sends, and goes on once the server has it; it must not be answered yet.
    Hold(Send),
    /// Sends, and goes on once the server has it, answered or not.
    Start(Send),
    /// Waits for the answer to what was held or started.
    Answer(Answer),
    /// What these clients have sent is not answered yet.
    Held(Vec<String>),
    /// Aborts the connection of what was held, or the WebSocket of a client.
    Cut(String),
    /// Lets so many milliseconds pass.
    Advance(u64),
    /// Opens a WebSocket.
    Open(Open),
    /// Waits for something on a WebSocket, which comes at once if nothing else is said.
    Receive(Receive),
    /// Nothing comes on a WebSocket for some time.
    Silent(Silent),
    /// A client closes its WebSocket with code 1000.
    Close(String),
}

/// What a client sends: `messages`, or `text` instead.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The client.
    pub from: String,
    /// A name for [`Answer::to`], if it is not the client's.
    #[serde(rename = "as")]
    pub name: Option<String>,
    /// The envelope; mostly an array.
    pub messages: Option<Value>,
    /// The body or frame as it is, but for `${A}`.
    pub text: Option<String>,
    /// The body as bytes, one for each character up to U+00FF, but for `${A}`.
    pub bytes: Option<String>,
    /// The body as the fields of a form; values that are not strings are written as JSON.
    pub form: Option<Vec<(String, Value)>>,
    /// Fills the body or frame up to this many bytes with spaces at its end.
    pub pad_to: Option<usize>,
    /// The method, if it is not the one of the transport.
    pub method: Option<String>,
    /// What follows the mount point in the path.
    #[serde(default)]
    pub path: String,
    /// The query; values that are not strings are written as JSON.
    pub query: Option<Vec<(String, Value)>>,
    /// More header fields; null takes one away.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// When the answer comes.
    pub after: Option<After>,
    /// What the answer is; left out, every reply is successful.
    pub expect: Option<Expect>,
}

/// Milliseconds since something was sent: about so many, or between two numbers.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum After {
    /// About so many.
    About(u64),
    /// From the first to the second.
    Between(u64, u64),
}

/// An answer that was not waited for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The client, or the name of what it sent.
    pub to: String,
    /// When it comes, counted from when the request was sent; left out, it comes now.
    pub after: Option<After>,
    /// What it is; left out, every reply is successful.
    pub expect: Option<Expect>,
}

/// A request for a WebSocket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The client.
    pub by: String,
    /// What follows the mount point in the path.
    #[serde(default)]
    pub path: String,
    /// More header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The status and header fields of the response; left out, the status is 101.
    pub expect: Option<Expect>,
}

/// What comes on a WebSocket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// The client.
    pub by: String,
    /// When it comes, counted from what the client last sent; left out, it comes now.
    pub after: Option<After>,
    /// What it is.
    pub expect: Expect,
}

/// Nothing comes on a WebSocket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    /// The client.
    pub by: String,
    /// For how many milliseconds; left out, as long as it takes to be sure.
    #[serde(rename = "for")]
    pub duration: Option<u64>,
}

/// What is expected: the messages of one response or frame, or more than that.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub struct Expect(pub Response);

/// What a response or a WebSocket brings. What is left out may be anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The status, or any of several; 200 if it is left out.
    pub status: Option<Value>,
    /// Header fields; null is one that is absent.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// The body as text.
    pub body: Option<Value>,
    /// The function that the messages are an argument of, in callback polling.
    pub callback: Option<String>,
    /// All messages of the body.
    pub messages: Option<Value>,
    /// All messages of each of the next frames.
    pub frames: Option<Vec<Value>>,
    /// The server closes the WebSocket with this code, after the frames.
    pub close: Option<u16>,
}

impl TryFrom<Value> for Expect {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Array(_) => Ok(Self(Response {
                messages: Some(value),
                ..Response::default()
            })),
            other => serde_json::from_value(other).map(Self),
        }
    }
}

/// Why a scenario cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidScenario {
    /// The folder or a file cannot be read.
    #[error("{0}: cannot be read")]
    Io(String, #[source] std::io::Error),
    /// A file is not a scenario.
    #[error("{0}: {1}")]
    Form(String, String),
}

/// Reads all scenarios of a folder, in the order of their file names: every file
/// named `t-*.json`, `r-*.json` or `l-*.json`.
///
/// # Errors
/// The folder or a file cannot be read, is no scenario, or does not have the name of its case.
pub fn load(folder: &path::Path) -> Result<Vec<Scenario>, InvalidScenario> {
    let failed = |path: &path::Path| {
        let path = path.display().to_string();
        move |error| InvalidScenario::Io(path, error)
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let file = entry.map_err(failed(folder))?.path();
        let name = file.file_name().and_then(|it| it.to_str());
        if name.is_some_and(|it| {
            ["t-", "r-", "l-"].iter().any(|kind| it.starts_with(kind)) && it.ends_with(".json")
        }) {
            files.push(file);
        }
    }
    let mut scenarios = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let text = fs::read_to_string(&file).map_err(failed(&file))?;
        let scenario: Scenario = serde_json::from_str(&text)
            .map_err(|error| InvalidScenario::Form(name.clone(), error.to_string()))?;
        let stem = file.file_stem().and_then(|it| it.to_str());
        if stem != Some(scenario.case.to_lowercase().as_str()) {
            let why = format!("is the case {}", scenario.case);
            return Err(InvalidScenario::Form(name, why));
        }
        scenarios.push(scenario);
    }
    scenarios.sort_by_key(|it| key(&it.case));
    Ok(scenarios)
}

/// Sorts `T-HS-2` before `T-HS-10`.
fn key(case: &str) -> (String, u32) {
    let (letters, number) = case.rsplit_once('-').unwrap_or((case, ""));
    (letters.to_owned(), number.parse().unwrap_or_default())
}
