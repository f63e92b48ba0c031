//! Patterned messages: both ends can check every byte without keeping what was sent.
//!
//! Layout: u32 LE counter (per lane and reliability, from 0), u8 lane, u8 reliable, u16 LE size,
//! then byte i = (counter * 31 + i) mod 256. At least 8 bytes.

use crate::emit;
use crate::library::Library;
use serde_json::{json, Value};
use std::collections::HashMap;

const HEADER_BYTES: usize = 8;

fn pattern(buffer: &mut [u8], counter: u32, lane: u16, reliable: bool) {
    let size = buffer.len();
    buffer[..4].copy_from_slice(&counter.to_le_bytes());
    buffer[4] = lane as u8;
    buffer[5] = u8::from(reliable);
    buffer[6..8].copy_from_slice(&(size as u16).to_le_bytes());
    let base = counter.wrapping_mul(31) as u8;
    for (i, byte) in buffer.iter_mut().enumerate().skip(HEADER_BYTES) {
        *byte = base.wrapping_add(i as u8);
    }
}

/// Sends `count` messages as fast as the library takes them.
pub struct Flood {
    conn: u32,
    left: u64,
    min: usize,
    max: usize,
    reliable_percent: u64,
    lanes: u64,
    state: u64,
    counters: HashMap<(u16, bool), u32>,
    buffer: Vec<u8>,
    /// A message that was refused: the next one to try.
    refused: Option<(usize, u16, bool)>,
    failed: bool,
}

impl Flood {
    pub fn new(conn: u32, command: &Value) -> Flood {
        let number = |name: &str, default: u64| command[name].as_u64().unwrap_or(default);
        let min = number("min", 64).max(HEADER_BYTES as u64) as usize;
        Flood {
            conn,
            left: number("count", 1),
            min,
            max: (number("max", min as u64) as usize).max(min),
            reliable_percent: number("reliablePercent", 100),
            lanes: number("lanes", 1).max(1),
            state: number("seed", 1) | 1,
            counters: HashMap::new(),
            buffer: vec![0; 1 << 20],
            refused: None,
            failed: false,
        }
    }

    pub fn is_over(&self) -> bool {
        self.left == 0 || self.failed
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % below
    }

    fn draw(&mut self) -> (usize, u16, bool) {
        let size = self.min + self.random((self.max - self.min + 1) as u64) as usize;
        let lane = self.random(self.lanes) as u16;
        (size, lane, self.random(100) < self.reliable_percent)
    }

    /// True when something was sent.
    pub fn advance(&mut self, library: &Library) -> bool {
        let mut sent = false;
        for _ in 0..1000 {
            if self.left == 0 {
                break;
            }
            let (size, lane, reliable) = self.refused.take().unwrap_or_else(|| self.draw());
            let counter = *self.counters.get(&(lane, reliable)).unwrap_or(&0);
            pattern(&mut self.buffer[..size], counter, lane, reliable);
            let flags = if reliable { 8 } else { 0 };
            match library.send(self.conn, &self.buffer[..size], flags, lane) {
                Ok(_) => {
                    self.counters.insert((lane, reliable), counter + 1);
                    self.left -= 1;
                    sent = true;
                }
                // k_EResultLimitExceeded: the queue is full, try the same one again.
                Err(message) if message == "send gave 25" => {
                    self.refused = Some((size, lane, reliable));
                    break;
                }
                Err(message) => {
                    self.failed = true;
                    emit(json!({"event": "floodFailed", "conn": self.conn, "message": message}));
                    return sent;
                }
            }
        }
        if self.left == 0 {
            emit(json!({"event": "floodSent", "conn": self.conn}));
        }
        sent
    }
}

#[derive(Default)]
struct LaneTally {
    reliable: u32,
    unreliable: u64,
    next_unreliable: u32,
    reordered: u64,
}

/// Counts what came and whether it came right.
#[derive(Default)]
pub struct Tally {
    lanes: HashMap<u8, LaneTally>,
    bytes: u64,
    wrong: u64,
    expected: Vec<u8>,
}

impl Tally {
    pub fn count(&mut self, lane: u16, reliable: bool, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        if bytes.len() < HEADER_BYTES {
            self.wrong += 1;
            return;
        }
        let counter = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        // A large unreliable message is sent reliably by GNS itself: trust what the sender meant.
        let meant_reliable = bytes[5] == 1;
        self.expected.resize(bytes.len(), 0);
        pattern(&mut self.expected, counter, lane, meant_reliable);
        if self.expected != bytes || (meant_reliable && !reliable) {
            self.wrong += 1;
            return;
        }
        let tally = self.lanes.entry(lane as u8).or_default();
        if meant_reliable {
            if counter != tally.reliable {
                self.wrong += 1;
            }
            tally.reliable = counter + 1;
        } else {
            tally.unreliable += 1;
            if counter < tally.next_unreliable {
                tally.reordered += 1;
            }
            tally.next_unreliable = tally.next_unreliable.max(counter + 1);
        }
    }

    pub fn report(&self) -> Value {
        let lanes: serde_json::Map<String, Value> = self
            .lanes
            .iter()
            .map(|(lane, tally)| {
                let value = json!({
                    "reliable": tally.reliable, "unreliable": tally.unreliable,
                    "reordered": tally.reordered,
                });
                (lane.to_string(), value)
            })
            .collect();
        json!({"event": "tally", "bytes": self.bytes, "wrong": self.wrong, "lanes": lanes})
    }
}
