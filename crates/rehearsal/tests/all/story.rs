//! Histories made by hand: a line of the story is a line of the history.

use rehearsal::history::{Asked, Counted, Event, Head, History, Micros, Seen, What};

/// A history that is being told; time passes by one millisecond a line.
pub struct Story {
    history: History,
    now: Micros,
    next: u64,
}

impl Story {
    pub fn new() -> Self {
        let head = Head {
            history: 1,
            began: 1_700_000_000_000_000,
            alone: true,
            slack: 0,
        };
        Self {
            history: History {
                head,
                events: Vec::new(),
            },
            now: 0,
            next: 0,
        }
    }
    pub fn not_alone(mut self) -> Self {
        self.history.head.alone = false;
        self
    }
    pub fn history(&self) -> &History {
        &self.history
    }
    pub fn now(&self) -> Micros {
        self.now
    }
    pub fn wait(&mut self, span: Micros) {
        self.now += span;
    }
    fn push(&mut self, op: u64, attempt: u32, what: What) {
        self.now += 1_000;
        self.history.events.push(Event {
            at: self.now,
            op,
            attempt,
            what,
        });
    }
    pub fn invoke(&mut self, ask: Asked) -> u64 {
        let op = self.next;
        self.next += 1;
        self.push(op, 0, What::Invoke { client: 0, ask });
        op
    }
    pub fn again(&mut self, op: u64, ask: Asked) {
        self.push(op, 1, What::Invoke { client: 0, ask });
    }
    pub fn ok(&mut self, op: u64, saw: Seen) {
        self.ok_bytes(op, saw, "aa");
    }
    pub fn ok_bytes(&mut self, op: u64, saw: Seen, digest: &str) {
        let digest = digest.to_owned();
        self.push(
            op,
            0,
            What::Ok {
                status: 200,
                digest,
                saw,
            },
        );
    }
    pub fn refused(&mut self, op: u64, status: u16) {
        let (digest, code) = ("bb".to_owned(), "slot-full".to_owned());
        self.push(op, 0, What::Refused { status, digest, code });
    }
    pub fn failed(&mut self, op: u64) {
        self.push(op, 0, What::Failed { why: "busy".to_owned() });
    }
    pub fn unknown(&mut self, op: u64) {
        let why = "the connection broke".to_owned();
        self.push(op, 0, What::Unknown { why });
    }

    /// Holds a place at `slot`.
    pub fn hold(&mut self, hold: &str, slot: &str) {
        let op = self.invoke(hold_of(slot));
        self.ok(op, held(hold, self.now + 600_000_000));
    }
    /// Holds and books.
    pub fn booked(&mut self, id: &str, slot: &str) {
        let hold = format!("h-{id}");
        self.hold(&hold, slot);
        let op = self.invoke(book_of(&hold));
        self.ok(op, appointment(id, slot, "booked"));
    }
    pub fn cancelled(&mut self, id: &str, slot: &str) {
        let op = self.invoke(cancel_of(id));
        self.ok(op, appointment(id, slot, "cancelled"));
    }
    /// Reads a slot of capacity 2, current as of just now.
    pub fn finds(&mut self, slot: &str, free: i64) {
        let as_of = self.now;
        self.finds_as_of(slot, free, as_of, false);
    }
    /// The same while nobody asks anything.
    pub fn finds_quietly(&mut self, slot: &str, free: i64) {
        let as_of = self.now + 500;
        self.finds_as_of(slot, free, as_of, true);
    }
    pub fn finds_as_of(&mut self, slot: &str, free: i64, as_of: Micros, quiet: bool) {
        let op = self.invoke(Asked::Find {
            clinic: "c".to_owned(),
            quiet,
        });
        let slots = vec![Counted {
            slot: slot.to_owned(),
            capacity: 2,
            free: Some(free),
        }];
        self.ok(op, Seen::Slots { as_of, slots });
    }
    pub fn reads(&mut self, id: &str, slot: &str, status: &str) {
        let op = self.invoke(read_of(id));
        self.ok(op, appointment(id, slot, status));
    }
}

pub fn hold_of(slot: &str) -> Asked {
    Asked::Hold {
        slots: vec![slot.to_owned()],
    }
}
pub fn book_of(hold: &str) -> Asked {
    Asked::Book { hold: hold.to_owned() }
}
pub fn cancel_of(id: &str) -> Asked {
    Asked::Cancel {
        appointment: id.to_owned(),
    }
}
pub fn move_of(id: &str, hold: &str) -> Asked {
    Asked::Move {
        appointment: id.to_owned(),
        hold: hold.to_owned(),
    }
}
pub fn read_of(id: &str) -> Asked {
    Asked::Read {
        appointment: id.to_owned(),
    }
}
pub fn held(hold: &str, expires: Micros) -> Seen {
    Seen::Hold {
        hold: hold.to_owned(),
        expires,
    }
}
pub fn appointment(id: &str, slot: &str, status: &str) -> Seen {
    Seen::Appointment {
        appointment: id.to_owned(),
        code: format!("code-of-{id}"),
        slot: slot.to_owned(),
        status: status.to_owned(),
    }
}
