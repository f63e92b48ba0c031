//! The few calls of the flat API that the tests need, with owned handles and no unsafe outside.

use crate::emit;
use gns_sys::*;
use serde_json::{json, Value};
use std::ffi::{c_void, CStr, CString};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

static AUTO_ACCEPT: AtomicBool = AtomicBool::new(true);
static POLL_GROUP: AtomicU32 = AtomicU32::new(0);
static CONNECTED: LazyLock<Mutex<HashSet<u32>>> = LazyLock::new(Mutex::default);
const OK: EResult = EResult::k_EResultOK;

pub fn set_auto_accept(on: bool) {
    AUTO_ACCEPT.store(on, Ordering::Relaxed);
}

/// The connections that stand now.
pub fn connected() -> MutexGuard<'static, HashSet<u32>> {
    CONNECTED.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Message<'a> {
    pub conn: u32,
    pub lane: u16,
    pub number: i64,
    pub reliable: bool,
    pub bytes: &'a [u8],
}

pub struct Library {
    sockets: *mut ISteamNetworkingSockets,
    utils: *mut ISteamNetworkingUtils,
    listen: u32,
}

/// Runs inside `run_callbacks`, on the thread that owns the library.
unsafe extern "C" fn state_changed(change: *mut SteamNetConnectionStatusChangedCallback_t) {
    let change = &*change;
    let info = &change.m_info;
    let sockets = SteamAPI_SteamNetworkingSockets_v009();
    let mut identity = info.m_identityRemote;
    let mut text = [0i8; 256];
    SteamAPI_SteamNetworkingIdentity_ToString(&mut identity, text.as_mut_ptr(), 256);
    let incoming = info.m_hListenSocket != 0
        && change.m_eOldState
            == ESteamNetworkingConnectionState::k_ESteamNetworkingConnectionState_None;
    emit(json!({
        "event": "state", "conn": change.m_hConn, "old": change.m_eOldState as i32,
        "new": info.m_eState as i32, "reason": info.m_eEndReason, "incoming": incoming,
        "debug": CStr::from_ptr(info.m_szEndDebug.as_ptr()).to_string_lossy(),
        "identity": CStr::from_ptr(text.as_ptr()).to_string_lossy(), "flags": info.m_nFlags,
    }));
    if info.m_eState == ESteamNetworkingConnectionState::k_ESteamNetworkingConnectionState_Connected {
        connected().insert(change.m_hConn);
    } else {
        connected().remove(&change.m_hConn);
    }
    SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(
        sockets,
        change.m_hConn,
        POLL_GROUP.load(Ordering::Relaxed),
    );
    let connecting = ESteamNetworkingConnectionState::k_ESteamNetworkingConnectionState_Connecting;
    if incoming && info.m_eState == connecting && AUTO_ACCEPT.load(Ordering::Relaxed) {
        SteamAPI_ISteamNetworkingSockets_AcceptConnection(sockets, change.m_hConn);
    }
}

impl Library {
    pub fn start(identity: Option<&str>) -> Result<Library, String> {
        unsafe {
            let mut parsed: SteamNetworkingIdentity = std::mem::zeroed();
            if let Some(text) = identity {
                let text = CString::new(text).map_err(|error| error.to_string())?;
                let size = std::mem::size_of::<SteamNetworkingIdentity>();
                if !SteamAPI_SteamNetworkingIdentity_ParseString(&mut parsed, size, text.as_ptr()) {
                    return Err("identity does not parse".into());
                }
            }
            let mut message: SteamNetworkingErrMsg = std::mem::zeroed();
            let chosen = identity.map_or(std::ptr::null(), |_| &parsed as *const _);
            if !GameNetworkingSockets_Init(chosen, &mut message) {
                return Err(CStr::from_ptr(message.as_ptr()).to_string_lossy().into_owned());
            }
            let sockets = SteamAPI_SteamNetworkingSockets_v009();
            let utils = SteamAPI_SteamNetworkingUtils_v003();
            SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(
                utils,
                Some(state_changed),
            );
            let group = SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets);
            POLL_GROUP.store(group, Ordering::Relaxed);
            Ok(Library { sockets, utils, listen: 0 })
        }
    }

    pub fn stop(&self) {
        unsafe { GameNetworkingSockets_Kill() }
    }

    /// The value exists only in builds with the ICE client.
    pub fn has_ice(&self) -> bool {
        let value = ESteamNetworkingConfigValue::k_ESteamNetworkingConfig_P2P_STUN_ServerList;
        let (mut kind, mut scope) = unsafe { std::mem::zeroed::<(u32, u32)>() };
        let name = unsafe {
            SteamAPI_ISteamNetworkingUtils_GetConfigValueInfo(
                self.utils,
                value,
                &mut kind as *mut u32 as *mut ESteamNetworkingConfigDataType,
                &mut scope as *mut u32 as *mut ESteamNetworkingConfigScope,
            )
        };
        !name.is_null()
    }

    /// `{"value": number of ESteamNetworkingConfigValue, "int": …}` or `"float"`; whole process.
    pub fn configure(&self, command: &Value) -> Result<(), String> {
        let value = command["value"].as_i64().ok_or("config wants a value number")? as i32;
        let set = |kind: ESteamNetworkingConfigDataType, argument: *const c_void| unsafe {
            // The number comes from the library's own table; an unknown one is refused inside.
            let value: ESteamNetworkingConfigValue = std::mem::transmute(value);
            SteamAPI_ISteamNetworkingUtils_SetConfigValue(
                self.utils,
                value,
                ESteamNetworkingConfigScope::k_ESteamNetworkingConfig_Global,
                0,
                kind,
                argument,
            )
        };
        let done = if let Some(float) = command["float"].as_f64() {
            let float = float as f32;
            set(
                ESteamNetworkingConfigDataType::k_ESteamNetworkingConfig_Float,
                &float as *const f32 as *const c_void,
            )
        } else {
            let int = command["int"].as_i64().ok_or("config wants int or float")? as i32;
            set(
                ESteamNetworkingConfigDataType::k_ESteamNetworkingConfig_Int32,
                &int as *const i32 as *const c_void,
            )
        };
        if done { Ok(()) } else { Err(format!("config {value} was refused")) }
    }

    pub fn listen(&mut self, text: &str) -> Result<u16, String> {
        let mut address = parse(text)?;
        if address.m_port == 0 {
            address.m_port = free_port().ok_or("no free port")?;
        }
        unsafe {
            self.listen = SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(
                self.sockets,
                &address,
                0,
                std::ptr::null(),
            );
            if self.listen == 0 {
                return Err(format!("cannot listen on {text}"));
            }
            SteamAPI_ISteamNetworkingSockets_GetListenSocketAddress(
                self.sockets,
                self.listen,
                &mut address,
            );
        }
        Ok(address.m_port)
    }

    pub fn unlisten(&mut self) {
        unsafe { SteamAPI_ISteamNetworkingSockets_CloseListenSocket(self.sockets, self.listen) };
        self.listen = 0;
    }

    pub fn connect(&self, text: &str) -> Result<u32, String> {
        let address = parse(text)?;
        let conn = unsafe {
            SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(
                self.sockets,
                &address,
                0,
                std::ptr::null(),
            )
        };
        if conn == 0 { Err(format!("cannot connect to {text}")) } else { Ok(conn) }
    }

    pub fn accept(&self, conn: u32) -> Result<(), String> {
        let result = unsafe {
            SteamAPI_ISteamNetworkingSockets_AcceptConnection(self.sockets, conn)
        };
        if result == OK { Ok(()) } else { Err(format!("accept gave {result:?}")) }
    }

    pub fn close(&self, conn: u32, reason: i32, debug: &str, linger: bool) {
        connected().remove(&conn);
        let debug = CString::new(debug).unwrap_or_default();
        unsafe {
            SteamAPI_ISteamNetworkingSockets_CloseConnection(
                self.sockets,
                conn,
                reason,
                debug.as_ptr(),
                linger,
            );
        }
    }

    pub fn lanes(&self, conn: u32, priorities: &Value, weights: &Value) -> Result<(), String> {
        let numbers = |value: &Value| -> Vec<i64> {
            value.as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
        };
        let priorities: Vec<i32> = numbers(priorities).iter().map(|&n| n as i32).collect();
        let weights: Vec<u16> = numbers(weights).iter().map(|&n| n as u16).collect();
        if priorities.len() != weights.len() {
            return Err("as many weights as priorities".into());
        }
        let result = unsafe {
            SteamAPI_ISteamNetworkingSockets_ConfigureConnectionLanes(
                self.sockets,
                conn,
                priorities.len() as i32,
                priorities.as_ptr(),
                weights.as_ptr(),
            )
        };
        if result == OK { Ok(()) } else { Err(format!("lanes gave {result:?}")) }
    }

    pub fn certificate(&self, blob: &[u8]) -> Result<(), String> {
        unsafe {
            let mut message: SteamNetworkingErrMsg = std::mem::zeroed();
            let done = SteamAPI_ISteamNetworkingSockets_SetCertificate(
                self.sockets,
                blob.as_ptr() as *const c_void,
                blob.len() as i32,
                &mut message,
            );
            if done {
                return Ok(());
            }
            Err(CStr::from_ptr(message.as_ptr()).to_string_lossy().into_owned())
        }
    }

    /// The message number, or the result code as an error.
    pub fn send(&self, conn: u32, bytes: &[u8], flags: i32, lane: u16) -> Result<i64, String> {
        unsafe {
            let message = SteamAPI_ISteamNetworkingUtils_AllocateMessage(
                self.utils,
                bytes.len() as i32,
            );
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), (*message).m_pData as *mut u8, bytes.len());
            (*message).m_conn = conn;
            (*message).m_nFlags = flags;
            (*message).m_idxLane = lane;
            let mut result = 0i64;
            SteamAPI_ISteamNetworkingSockets_SendMessages(
                self.sockets,
                1,
                &message as *const _ as *mut _,
                &mut result,
                true, // a refused message is freed by the library
            );
            if result > 0 { Ok(result) } else { Err(format!("send gave {}", -result)) }
        }
    }

    pub fn run_callbacks(&self) {
        unsafe { SteamAPI_ISteamNetworkingSockets_RunCallbacks(self.sockets) }
    }

    pub fn receive(&self, mut take: impl FnMut(&Library, Message)) {
        let mut messages = [std::ptr::null_mut::<SteamNetworkingMessage_t>(); 256];
        unsafe {
            let count = SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(
                self.sockets,
                POLL_GROUP.load(Ordering::Relaxed),
                messages.as_mut_ptr(),
                256,
            );
            for &pointer in &messages[..count.max(0) as usize] {
                let message = &*pointer;
                let size = message.m_cbSize as usize;
                let bytes = if size == 0 {
                    &[][..]
                } else {
                    std::slice::from_raw_parts(message.m_pData as *const u8, size)
                };
                take(
                    self,
                    Message {
                        conn: message.m_conn,
                        lane: message.m_idxLane,
                        number: message.m_nMessageNumber,
                        reliable: message.m_nFlags & 8 != 0,
                        bytes,
                    },
                );
                SteamAPI_SteamNetworkingMessage_t_Release(pointer);
            }
        }
    }

    pub fn status(&self, conn: u32) -> Value {
        unsafe {
            let mut status: SteamNetConnectionRealTimeStatus_t = std::mem::zeroed();
            let result = SteamAPI_ISteamNetworkingSockets_GetConnectionRealTimeStatus(
                self.sockets,
                conn,
                &mut status,
                0,
                std::ptr::null_mut(),
            );
            json!({
                "event": "status", "conn": conn, "ok": result == OK, "state": status.m_eState as i32,
                "pingMs": status.m_nPing, "qualityLocal": status.m_flConnectionQualityLocal,
                "qualityRemote": status.m_flConnectionQualityRemote,
                "pendingReliable": status.m_cbPendingReliable,
                "unackedReliable": status.m_cbSentUnackedReliable,
                "sendRate": status.m_nSendRateBytesPerSecond,
            })
        }
    }
}

/// The library refuses to listen on port 0, so the system is asked here.
pub fn free_port() -> Option<u16> {
    let socket = std::net::UdpSocket::bind("[::]:0").ok()?;
    Some(socket.local_addr().ok()?.port())
}

fn parse(text: &str) -> Result<SteamNetworkingIPAddr, String> {
    unsafe {
        let mut address: SteamNetworkingIPAddr = std::mem::zeroed();
        let c_text = CString::new(text).map_err(|error| error.to_string())?;
        if SteamAPI_SteamNetworkingIPAddr_ParseString(&mut address, c_text.as_ptr()) {
            Ok(address)
        } else {
            Err(format!("{text} is no address"))
        }
    }
}
