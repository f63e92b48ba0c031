//! What the library does not say itself.

use crate::library::{free_port, Library};
use std::net::UdpSocket;
use std::time::Duration;

/// Asks our own listen socket as a client would: ChallengeReply names the version (field 4).
/// 0 when it did not answer.
/// Needs the library running.
pub fn protocol_version(_library: &Library) -> u64 {
    let mut own = match Library::start_probe() {
        Some(own) => own,
        None => return 0,
    };
    let version = own.ask().unwrap_or(0);
    own.close();
    version
}

struct Probe {
    listen: u32,
    port: u16,
}

impl Library {
    fn start_probe() -> Option<Probe> {
        use gns_sys::*;
        unsafe {
            let sockets = SteamAPI_SteamNetworkingSockets_v009();
            let mut address: SteamNetworkingIPAddr = std::mem::zeroed();
            SteamAPI_SteamNetworkingIPAddr_SetIPv4(&mut address, 0x7f00_0001, free_port()?);
            let listen = SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(
                sockets,
                &address,
                0,
                std::ptr::null(),
            );
            if listen == 0 {
                return None;
            }
            Some(Probe { listen, port: address.m_port })
        }
    }
}

impl Probe {
    fn ask(&mut self) -> Option<u64> {
        let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        // Type 32, u16 length 7, {1: fixed32 connection id, 4: version 13}, zeros to 512 bytes.
        let mut request = [0u8; 512];
        request[..10].copy_from_slice(&[32, 7, 0, 0x0d, 1, 2, 3, 4, 0x20, 13]);
        socket.send_to(&request, ("127.0.0.1", self.port)).ok()?;
        let mut reply = [0u8; 512];
        let length = socket.recv(&mut reply).ok()?;
        let mut at = 1;
        while at < length {
            let tag = reply[at];
            at += 1;
            match tag & 7 {
                5 => at += 4,
                1 => at += 8,
                0 if tag == 0x20 => return Some(u64::from(reply[at])),
                _ => return None,
            }
        }
        None
    }

    fn close(&mut self) {
        unsafe {
            gns_sys::SteamAPI_ISteamNetworkingSockets_CloseListenSocket(
                gns_sys::SteamAPI_SteamNetworkingSockets_v009(),
                self.listen,
            );
        }
    }
}

/// User and system time of this process so far, all threads, in microseconds (Linux).
pub fn cpu_usec() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10_000 // sysconf(_SC_CLK_TCK) is 100
}

/// Memory of this process that lies in RAM (Linux).
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
