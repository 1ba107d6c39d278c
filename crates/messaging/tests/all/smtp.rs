//! Receipts against a server that is slow, refuses, dies in mid-message, or takes a message and says nothing.

use std::path::Path;
use std::time::Duration;

use base::limit::Settings;
use messaging::email::Email;
use messaging::limit::{COMMAND_TIME, CONNECT_TIME, FROM, SEND_TIME, SMTP_URL};
use messaging::outlet::Outlet;
use messaging::receipt::{Class, Receipt};

use crate::email::email;
use crate::sink::{Behaviour, Greeting, Sink};

fn outlet(sink: &Sink) -> Outlet {
    let mut settings = Settings::default();
    settings.set_text(&SMTP_URL, &sink.url()).unwrap();
    settings.set_text(&FROM, "no-reply@vax.example.org").unwrap();
    for (setting, seconds) in [(&CONNECT_TIME, 1), (&COMMAND_TIME, 1), (&SEND_TIME, 2)] {
        settings.set(setting, seconds).unwrap();
    }
    Outlet::smtp(&settings, Path::new("/nowhere")).unwrap().unwrap()
}

#[tokio::test]
async fn without_tls_nothing_is_sent_and_the_receipt_says_why() {
    let sink = Sink::start().unwrap();
    for scheme in ["smtp://", "smtps://"] {
        let mut settings = Settings::default();
        let url = sink.url().replace("smtp+plain://", scheme);
        settings.set_text(&SMTP_URL, &url).unwrap();
        settings.set_text(&FROM, "no-reply@vax.example.org").unwrap();
        settings.set(&CONNECT_TIME, 5).unwrap();
        let outlet = Outlet::smtp(&settings, Path::new("/nowhere")).unwrap().unwrap();
        let receipt = outlet.send(&email()).await;
        assert_eq!(receipt.to_string(), "tls", "{scheme}");
        assert!(receipt.is_outlet_away(), "whatever else waits would fail alike");
    }
    assert!(sink.arrived().is_empty());
}

/// What comes of one message that meets this; and how many copies arrived.
async fn meets(behaviour: Behaviour) -> (Receipt, usize) {
    let sink = Sink::start().unwrap();
    sink.script(&[behaviour]);
    let outlet = outlet(&sink);
    let receipt = outlet.send(&email()).await;
    (receipt, sink.arrived().len())
}

#[tokio::test]
async fn what_is_taken_is_delivered_and_what_is_refused_is_not() {
    assert_eq!(meets(Behaviour::Accept).await, (Receipt::Delivered, 1));
    assert_eq!(
        meets(Behaviour::Slow(Duration::from_millis(300))).await,
        (Receipt::Delivered, 1)
    );
    assert_eq!(
        meets(Behaviour::NotYet).await,
        (Receipt::again(Class::Recipient, Some(450)), 0)
    );
    assert_eq!(
        meets(Behaviour::NoSuchAddress).await,
        (Receipt::never(Class::Recipient, Some(550)), 0)
    );
    assert_eq!(
        meets(Behaviour::TooLarge).await,
        (Receipt::never(Class::Content, Some(552)), 0)
    );
    assert_eq!(
        meets(Behaviour::NotNow).await,
        (Receipt::again(Class::Content, Some(451)), 0)
    );
}

#[tokio::test]
async fn whatever_had_its_last_line_sent_and_no_reply_is_unknown() {
    assert_eq!(meets(Behaviour::DropBeforeReply).await, (Receipt::Unknown, 1));
    assert_eq!(meets(Behaviour::HangBeforeReply).await, (Receipt::Unknown, 1));
    assert_eq!(
        meets(Behaviour::Slow(Duration::from_secs(5))).await.0,
        Receipt::Unknown,
        "too slow to wait for"
    );
    // A small message is on the line whole before the other side closes: nobody can know. A large one is not.
    let sink = Sink::start().unwrap();
    sink.script(&[Behaviour::DieInData]);
    let mut large = email().build().unwrap();
    large.bytes = b"A line of a message that is far larger than any buffer on the way.\r\n".repeat(400_000);
    let Outlet::Smtp(smtp) = outlet(&sink) else {
        unreachable!()
    };
    let receipt = smtp.send(&large).await;
    assert_eq!(
        (receipt, sink.arrived().len()),
        (Receipt::again(Class::Connection, None), 0)
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_certainly_not_delivered_to() {
    for greeting in [Greeting::Busy, Greeting::Silent] {
        let sink = Sink::start().unwrap();
        sink.greet(greeting);
        let code = (greeting == Greeting::Busy).then_some(421);
        assert_eq!(
            outlet(&sink).send(&email()).await,
            Receipt::again(Class::Connection, code)
        );
    }
    let sink = Sink::start().unwrap();
    sink.open(false);
    let outlet = outlet(&sink);
    let until = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let receipt = outlet.send(&email()).await;
        if receipt == Receipt::again(Class::Connection, None) {
            assert!(receipt.is_outlet_away());
            break;
        }
        assert!(std::time::Instant::now() < until, "the door never closed");
    }
}

#[tokio::test]
async fn a_connection_serves_several_messages_and_one_that_was_closed_is_opened_anew() {
    let sink = Sink::start().unwrap();
    let outlet = outlet(&sink);
    for behaviour in [
        Behaviour::Accept,
        Behaviour::NoSuchAddress,
        Behaviour::Accept,
        Behaviour::NotNow,
    ] {
        sink.script(&[behaviour]);
        outlet.send(&email()).await;
    }
    assert_eq!((sink.connections(), sink.arrived().len()), (1, 2));
    // The server closes after a message that it dropped; the next one goes over a new connection, once.
    sink.script(&[Behaviour::DropBeforeReply]);
    assert_eq!(outlet.send(&email()).await, Receipt::Unknown);
    assert_eq!(outlet.send(&email()).await, Receipt::Delivered);
    assert_eq!((sink.connections(), sink.arrived().len()), (2, 4));
    outlet.close().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_never_tried() {
    let sink = Sink::start().unwrap();
    let wrong = Email {
        to: "nobody".to_owned(),
        ..email()
    };
    assert_eq!(outlet(&sink).send(&wrong).await, Receipt::never(Class::Recipient, None));
    assert_eq!(sink.connections(), 0);
}
