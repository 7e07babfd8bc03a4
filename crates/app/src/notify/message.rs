//! One message: a CloudEvents 1.0 document with its signature, or a text for a chat.

use super::words::Words;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comptroller_core::Timestamp;
use comptroller_ledger::Entry;
use comptroller_store::keys::message_code;
use serde_json::{Value, json};

/// Longest text for a chat, in characters.
const MAX_TEXT: usize = 3_000;

/// The document that a webhook gets (CloudEvents 1.0, JSON format). `source` names the log, `id` the entry in it: a
/// receiver that has seen both before has the message already.
pub(super) fn cloud_event(origin: &str, index: u64, leaf: &str, entry: &Entry, words: &Words) -> Value {
    json!({
        "specversion": "1.0",
        "id": index.to_string(),
        "source": format!("https://{origin}"),
        "type": format!("comptroller.{}", entry.kind),
        "time": Timestamp::from_micros(entry.recorded_at),
        "subject": entry.subjects.first(),
        "datacontenttype": "application/json",
        "data": {
            "index": index,
            "leaf_hash": leaf,
            "stream": entry.stream,
            "actor": entry.actor,
            "subjects": entry.subjects,
            "event": entry.data,
            "title": words.title,
            "text": words.text,
            "for": words.roles,
        },
    })
}

/// Headers of a signed webhook (Standard Webhooks 1.0, "Webhook metadata" and "Signature scheme"): HMAC-SHA256 over
/// `id.timestamp.body`, `now` in whole seconds.
pub(super) fn signed(id: &str, now: Timestamp, body: &[u8], secret: &[u8]) -> [(&'static str, String); 3] {
    let seconds = now.micros().div_euclid(1_000_000).to_string();
    let mut signed = format!("{id}.{seconds}.").into_bytes();
    signed.extend_from_slice(body);
    let code = STANDARD.encode(message_code(secret, &signed));
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds),
        ("webhook-signature", format!("v1,{code}")),
    ]
}

/// The body of an incoming webhook of a chat. Its three special characters are escaped, so that nothing in a name
/// becomes a link or a mention.
pub(super) fn chat(words: &Words) -> Value {
    let text = format!("*{}*\n{}", escaped(&words.title), escaped(&words.text));
    json!({ "text": text.chars().take(MAX_TEXT).collect::<String>() })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification, "Signature scheme", made with its reference libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let now = Timestamp::from_micros(1_614_265_330_000_000);
        let headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", now, body, &secret);
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_chat_text_cannot_mention_or_link() {
        let words = Words { title: "<!channel> a&b".into(), text: "<https://x|y>".into(), roles: Vec::new() };
        assert_eq!(chat(&words)["text"], "*&lt;!channel&gt; a&amp;b*\n&lt;https://x|y&gt;");
    }
}
