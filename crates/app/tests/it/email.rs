//! People outside are told by e-mail, as by webhook: in order, at least once, and recognisably.

use crate::notify::Desk;
use crate::postbox::{Manner, Postbox};
use crate::promotion::{ask, vote};
use comptroller_app::App;
use comptroller_app::notify::{Destination, EmailSecurity, EmailSettings, patterns};
use std::time::Duration;

fn settings(postbox: &Postbox) -> EmailSettings {
    EmailSettings {
        host: "127.0.0.1".into(),
        port: Some(postbox.port),
        security: EmailSecurity::None,
        login: None,
        from: "Comptroller <comptroller@example.org>".into(),
        to: "risk@example.org,Ada Lovelace <ada@example.org>".into(),
        ca: None,
    }
}

fn on(app: &App, settings: EmailSettings) -> App {
    let events = patterns("approval.*").unwrap();
    app.clone().with_notifications(vec![Destination::email(settings).unwrap()], &events).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_says_what_to_do_and_holds_no_free_text() {
    let desk = Desk::new().await;
    let postbox = Postbox::start();
    let login = Some(("mailer".to_owned(), "hunter2".to_owned().into()));
    let app = on(&desk.world.app, EmailSettings { login, ..settings(&postbox) });
    assert_eq!(app.notify().await.unwrap(), 0);
    let approval = ask(&app, &desk.developer, "scorer@1").await;
    assert_eq!(app.notify().await.unwrap(), 1);
    assert_eq!(app.notify().await.unwrap(), 0, "taken mails are not sent again");

    let mail = postbox.mails().remove(0);
    assert_eq!(mail.from, "comptroller@example.org");
    assert_eq!(mail.to, ["risk@example.org", "ada@example.org"]);
    assert_eq!(mail.header("Subject"), "scoring: approval is asked for");
    assert!(mail.header("From").contains("Comptroller"), "{}", mail.data);
    assert!(mail.header("Content-Type").starts_with("text/plain"), "{}", mail.data);
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with(".1@log.example.org>"), "{}", mail.data);
    let text = mail.data.replace("=\r\n", "");
    assert!(text.contains(&format!("comptroller approval show {approval}")), "{text}");
    assert!(text.contains("It is for: approver, risk-officer."), "{text}");
    // The reason was written by a person, and is not in the mail.
    assert!(!text.contains("reason"), "{text}");
    assert!(postbox.said().iter().any(|line| line.starts_with("AUTH PLAIN ")), "{:?}", postbox.said());
    assert_eq!(postbox.said()[0], "EHLO example.org");
    assert_eq!(app.log().await.unwrap().channels[0].channel.as_str(), "email");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_is_sent_again_and_recognisable() {
    let desk = Desk::new().await;
    let postbox = Postbox::start();
    let app = on(&desk.world.app, settings(&postbox));
    app.notify().await.unwrap();
    let approval = ask(&app, &desk.developer, "scorer@1").await;
    vote(&app, &desk.approver, approval).await.unwrap();
    postbox.set(Manner::Refuses(550));
    assert_eq!(app.notify().await.unwrap(), 0);
    let view = app.log().await.unwrap().channels.remove(0);
    // The server's words would name the recipient.
    assert_eq!(view.last_error.as_deref(), Some("the mail server answered with status 550"));
    assert!(postbox.mails().is_empty());

    postbox.set(Manner::Takes);
    let other = on(&desk.world.app, settings(&postbox));
    assert_eq!(other.notify().await.unwrap(), 2);
    let mails = postbox.mails();
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(other.log().await.unwrap().channels[0].failing_since, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_out_where_the_server_offers_no_tls() {
    let desk = Desk::new().await;
    let postbox = Postbox::start();
    let login = Some(("mailer".to_owned(), "hunter2".to_owned().into()));
    let protected = EmailSettings { security: EmailSecurity::StartTls, login, ..settings(&postbox) };
    let app = on(&desk.world.app, protected);
    app.notify().await.unwrap();
    ask(&app, &desk.developer, "scorer@1").await;
    assert_eq!(app.notify().await.unwrap(), 0);
    let problem = app.log().await.unwrap().channels[0].last_error.clone().unwrap();
    assert!(problem.contains("STARTTLS"), "{problem}");
    for verb in ["AUTH", "MAIL", "RCPT", "DATA"] {
        assert!(!postbox.said().iter().any(|line| line.starts_with(verb)), "{:?}", postbox.said());
    }
}

/// A server that accepts the connection and says nothing holds up neither the stop nor the next attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_silent_mail_server() {
    let desk = Desk::new().await;
    let postbox = Postbox::start();
    let app = on(&desk.world.app, settings(&postbox));
    app.notify().await.unwrap();
    ask(&app, &desk.developer, "scorer@1").await;
    postbox.set(Manner::IsSilent);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let followers = tokio::spawn(app.clone().run_followers(stopped));
    while postbox.said().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(8), followers).await.expect("it stops").unwrap();
    postbox.set(Manner::Takes);
    // The hold of whoever died ends by itself.
    desk.world.clock.pass(61);
    assert_eq!(on(&desk.world.app, settings(&postbox)).notify().await.unwrap(), 1);
    assert_eq!(postbox.mails().len(), 1);
}
