//! Valve's own library behind JSON lines: the foreign peer of the interop tests.
//!
//! One command a line on stdin, one event a line on stdout; see README.md. A single thread owns
//! the library: it takes commands, runs callbacks, receives, feeds floods, and sleeps when idle.

mod library;
mod p2p;
mod load;
mod probe;
mod traffic;

use library::Library;
use load::Load;
use serde_json::{json, Value};
use std::io::{BufRead, Write};
use std::sync::mpsc::{channel, Receiver, TryRecvError};
use std::time::Duration;
use traffic::{Flood, Tally};

/// What is done with messages that arrive.
#[derive(PartialEq)]
enum ReceiveMode {
    /// One event each, with the bytes: for small tests.
    Events,
    /// Checked against the pattern and counted.
    Tally,
    /// Sent back on the lane and with the reliability they came with.
    Echo,
    /// Counted, and taken for the answers to pings.
    Load,
}

pub fn emit(event: Value) {
    let mut out = std::io::stdout().lock();
    // A closed pipe means the test has gone: there is nobody left to tell.
    if writeln!(out, "{event}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn commands() -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            match serde_json::from_str(&line) {
                Ok(command) => {
                    if sender.send(command).is_err() {
                        break;
                    }
                }
                Err(error) => emit(json!({"event": "error", "message": error.to_string()})),
            }
        }
    });
    receiver
}

struct Peer {
    library: Library,
    mode: ReceiveMode,
    floods: Vec<Flood>,
    tally: Tally,
    load: Load,
    /// ISteamNetworkingMessages is in use.
    takes_messages: bool,
    idle: Duration,
}

impl Peer {
    fn run(&mut self, command: &Value) -> Result<bool, String> {
        let conn = command["conn"].as_u64().unwrap_or(0) as u32;
        let flags = command["flags"].as_i64().unwrap_or(0) as i32;
        let lane = command["lane"].as_u64().unwrap_or(0) as u16;
        match command["op"].as_str().unwrap_or("") {
            "config" => {
                self.library.configure(command)?;
                emit(json!({"event": "configured", "value": command["value"]}));
            }
            "listen" => {
                let port = self.library.listen(command["address"].as_str().unwrap_or(""))?;
                emit(json!({"event": "listening", "port": port}));
            }
            "unlisten" => self.library.unlisten(),
            "connect" => {
                let conn = self.library.connect(command["address"].as_str().unwrap_or(""))?;
                emit(json!({"event": "dialled", "conn": conn}));
            }
            "autoAccept" => library::set_auto_accept(command["on"].as_bool().unwrap_or(true)),
            "accept" => self.library.accept(conn)?,
            "close" => self.library.close(
                conn,
                command["reason"].as_i64().unwrap_or(0) as i32,
                command["debug"].as_str().unwrap_or(""),
                command["linger"].as_bool().unwrap_or(false),
            ),
            "lanes" => self.library.lanes(conn, &command["priorities"], &command["weights"])?,
            "certificate" => {
                self.library.certificate(&unhex(command["hex"].as_str().unwrap_or(""))?)?
            }
            "send" => {
                let bytes = unhex(command["hex"].as_str().unwrap_or(""))?;
                let number = self.library.send(conn, &bytes, flags, lane)?;
                emit(json!({"event": "sent", "conn": conn, "number": number}));
            }
            "flood" => self.floods.push(Flood::new(conn, command)),
            "receive" => {
                self.mode = match command["mode"].as_str().unwrap_or("events") {
                    "tally" => ReceiveMode::Tally,
                    "echo" => ReceiveMode::Echo,
                    "load" => ReceiveMode::Load,
                    _ => ReceiveMode::Events,
                };
                emit(json!({"event": "receiving"}));
            }
            "tally" => emit(self.tally.report()),
            "resetTally" => self.tally = Tally::default(),
            "status" => emit(self.library.status(conn)),
            "idle" => self.idle = Duration::from_micros(command["usec"].as_u64().unwrap_or(1000)),
            "cpu" => emit(json!({"event": "cpu", "usec": probe::cpu_usec()})),
            "quit" => return Ok(false),
            other => {
                if other == "messages" {
                    self.takes_messages = true;
                }
                if !p2p::run(command)? && !self.load.run(&self.library, command)? {
                    return Err(format!("unknown op {other}"));
                }
            }
        }
        Ok(true)
    }

    /// True when anything was done, so that a busy peer does not sleep.
    fn step(&mut self) -> bool {
        self.library.run_callbacks();
        let mut busy = self.takes_messages && p2p::receive();
        let (mode, tally, load) = (&self.mode, &mut self.tally, &mut self.load);
        self.library.receive(|library, message| {
            busy = true;
            match mode {
                ReceiveMode::Tally => tally.count(message.lane, message.reliable, message.bytes),
                ReceiveMode::Echo => {
                    let flags = if message.reliable { 8 | 1 } else { 1 };
                    let _ = library.send(message.conn, message.bytes, flags, message.lane);
                }
                ReceiveMode::Load => load.received(library, message.bytes),
                ReceiveMode::Events => emit(json!({
                    "event": "message", "conn": message.conn, "lane": message.lane,
                    "number": message.number, "reliable": message.reliable,
                    "hex": hex(message.bytes),
                })),
            }
        });
        let library = &self.library;
        self.floods.retain_mut(|flood| {
            busy |= flood.advance(library);
            !flood.is_over()
        });
        busy | self.load.advance(library)
    }
}

fn main() {
    let identity = std::env::args().nth(1);
    let library = match Library::start(identity.as_deref()) {
        Ok(library) => library,
        Err(message) => {
            emit(json!({"event": "error", "message": message}));
            std::process::exit(1);
        }
    };
    emit(json!({
        "event": "ready",
        "protocolVersion": probe::protocol_version(&library),
        "ice": library.has_ice(),
    }));
    let commands = commands();
    let mut peer = Peer {
        library,
        mode: ReceiveMode::Events,
        floods: Vec::new(),
        tally: Tally::default(),
        load: Load::default(),
        takes_messages: false,
        idle: Duration::from_micros(1000),
    };
    loop {
        match commands.try_recv() {
            Ok(command) => match peer.run(&command) {
                Ok(true) => continue,
                Ok(false) => break,
                Err(message) => emit(json!({"event": "error", "message": message})),
            },
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break,
        }
        if !peer.step() {
            std::thread::sleep(peer.idle);
        }
    }
    peer.library.stop();
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Result<Vec<u8>, String> {
    if text.len() % 2 != 0 {
        return Err("odd hex".into());
    }
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|error| error.to_string()))
        .collect()
}
