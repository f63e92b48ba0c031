//! What benchmarks ask for: streams, round trips, connects, crowds, and counts of what came.

use crate::emit;
use crate::library::{connected, Library};
use crate::probe::{cpu_usec, resident_bytes};
use serde_json::{json, Value};
use std::time::{Duration, Instant};

const NO_NAGLE: i32 = 1;
const RELIABLE: i32 = 8;
/// The receiver gives up a lane with a million unreliable messages between two reliable ones.
const RELIABLE_EVERY: u32 = 500_000;
/// What an offered rate may catch up on.
const MAX_BEHIND: Duration = Duration::from_millis(100);
const SENDS_A_STEP: usize = 2000;
const DIALS_A_STEP: u32 = 50;

/// Messages on one connection, as fast as they are taken or at an offered rate.
struct Stream {
    conn: u32,
    flags: i32,
    buffer: Vec<u8>,
    /// None for as fast as they are taken.
    every: Option<Duration>,
    due: Instant,
    since_reliable: u32,
}

impl Stream {
    fn advance(&mut self, library: &Library) -> bool {
        let mut busy = false;
        let now = Instant::now();
        if self.every.is_some() && now > self.due + MAX_BEHIND {
            self.due = now - MAX_BEHIND;
        }
        for _ in 0..SENDS_A_STEP {
            if self.every.is_some() && self.due > now {
                break;
            }
            let mark = self.flags & RELIABLE == 0 && self.since_reliable >= RELIABLE_EVERY;
            let flags = if mark { self.flags | RELIABLE } else { self.flags };
            if library.send(self.conn, &self.buffer, flags, 0).is_err() {
                break; // the queue is full
            }
            self.since_reliable = if mark { 0 } else { self.since_reliable + 1 };
            self.due += self.every.unwrap_or_default();
            busy = true;
        }
        busy
    }
}

/// A message to every connection at once, so many times a second, as a game's server does.
struct Ticks {
    every: Duration,
    due: Instant,
    flags: i32,
    buffer: Vec<u8>,
}

/// Round trips, one at a time.
struct Pings {
    conn: u32,
    flags: i32,
    buffer: Vec<u8>,
    left: usize,
    sent_at: Instant,
    usec: Vec<f64>,
}

/// Connections, one at a time, each closed when it stands.
struct Dials {
    address: String,
    left: usize,
    conn: u32,
    began_at: Instant,
    usec: Vec<f64>,
}

/// Many connections that stay.
struct Crowd {
    address: String,
    left: u32,
    size: usize,
}

#[derive(Default)]
pub struct Load {
    messages: u64,
    bytes: u64,
    started: Option<Instant>,
    streams: Vec<Stream>,
    ticks: Option<Ticks>,
    pings: Option<Pings>,
    dials: Option<Dials>,
    crowd: Option<Crowd>,
}

fn number(command: &Value, name: &str, default: u64) -> u64 {
    command[name].as_u64().unwrap_or(default)
}

impl Load {
    /// False when the command is not one of these.
    pub fn run(&mut self, library: &Library, command: &Value) -> Result<bool, String> {
        let conn = number(command, "conn", 0) as u32;
        let flags = number(command, "flags", 0) as i32;
        let buffer = vec![0u8; number(command, "size", 64) as usize];
        let address = command["address"].as_str().unwrap_or("").to_string();
        let count = number(command, "count", 1);
        let now = Instant::now();
        match command["op"].as_str().unwrap_or("") {
            "stream" => {
                let rate = number(command, "bytesPerSecond", 0) as f64;
                let size = buffer.len() as f64;
                let every = (rate > 0.0).then(|| Duration::from_secs_f64(size / rate));
                self.streams.push(Stream { conn, flags, buffer, every, due: now, since_reliable: 0 });
            }
            "ticks" => {
                let every = Duration::from_secs_f64(1.0 / number(command, "perSecond", 60) as f64);
                self.ticks = Some(Ticks { every, due: now, flags, buffer });
            }
            "pings" => {
                let left = count as usize;
                library.send(conn, &buffer, flags | NO_NAGLE, 0)?;
                self.pings = Some(Pings { conn, flags, buffer, left, sent_at: now, usec: Vec::new() });
            }
            "dials" => {
                let conn = library.connect(&address)?;
                let left = count as usize;
                self.dials = Some(Dials { address, left, conn, began_at: now, usec: Vec::new() });
            }
            "crowd" => self.crowd = Some(Crowd { address, left: count as u32, size: count as usize }),
            "count" => {
                let since = *self.started.get_or_insert(now);
                emit(json!({
                    "event": "count", "messages": self.messages, "bytes": self.bytes,
                    "usec": since.elapsed().as_micros() as u64, "cpuUsec": cpu_usec(),
                    "residentBytes": resident_bytes(),
                }));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn received(&mut self, library: &Library, bytes: &[u8]) {
        self.messages += 1;
        self.bytes += bytes.len() as u64;
        let Some(pings) = &mut self.pings else { return };
        pings.usec.push(pings.sent_at.elapsed().as_nanos() as f64 / 1000.0);
        if pings.usec.len() == pings.left {
            emit(json!({"event": "pings", "usec": pings.usec}));
            self.pings = None;
            return;
        }
        pings.sent_at = Instant::now();
        let _ = library.send(pings.conn, &pings.buffer, pings.flags | NO_NAGLE, 0);
    }

    /// True when anything was done.
    pub fn advance(&mut self, library: &Library) -> bool {
        let mut busy = false;
        for stream in &mut self.streams {
            busy |= stream.advance(library);
        }
        self.tick(library);
        self.dial(library);
        self.gather(library);
        busy
    }

    fn tick(&mut self, library: &Library) {
        let Some(ticks) = &mut self.ticks else { return };
        let now = Instant::now();
        if now < ticks.due {
            return;
        }
        while ticks.due <= now {
            ticks.due += ticks.every; // what was missed is not made up for
        }
        for conn in connected().iter() {
            let _ = library.send(*conn, &ticks.buffer, ticks.flags, 0);
        }
    }

    fn dial(&mut self, library: &Library) {
        let Some(dials) = &mut self.dials else { return };
        if !connected().contains(&dials.conn) {
            return;
        }
        dials.usec.push(dials.began_at.elapsed().as_nanos() as f64 / 1000.0);
        library.close(dials.conn, 1000, "", false);
        if dials.usec.len() == dials.left {
            emit(json!({"event": "dials", "usec": dials.usec}));
            self.dials = None;
            return;
        }
        dials.began_at = Instant::now();
        dials.conn = library.connect(&dials.address).unwrap_or(0);
    }

    fn gather(&mut self, library: &Library) {
        let Some(crowd) = &mut self.crowd else { return };
        let standing = connected().len();
        let under_way = (crowd.size - crowd.left as usize).saturating_sub(standing);
        if under_way < DIALS_A_STEP as usize && crowd.left > 0 {
            for _ in 0..crowd.left.min(DIALS_A_STEP) {
                let _ = library.connect(&crowd.address);
                crowd.left -= 1;
            }
        }
        if crowd.left == 0 && standing >= crowd.size {
            emit(json!({"event": "crowd", "count": standing}));
            self.crowd = None;
        }
    }
}
