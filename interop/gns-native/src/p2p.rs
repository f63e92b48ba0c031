//! P2P with custom signaling: signals go out as events and come in as commands.

use crate::{emit, hex, unhex};
use gns_sys::*;
use serde_json::{json, Value};
use std::ffi::{c_char, c_int, c_void, CString};
use std::ptr::{null, null_mut};

const OK: EResult = EResult::k_EResultOK;
/// Channels that messages to users are taken from.
const CHANNELS: std::ops::Range<c_int> = 0..4;

/// The operations of P2P; false for another one.
pub fn run(command: &Value) -> Result<bool, String> {
    let identity = || parse(command["identity"].as_str().unwrap_or(""));
    let port = command["port"].as_i64().unwrap_or(0) as c_int;
    match command["op"].as_str().unwrap_or("") {
        "configText" => configure(command)?,
        "p2pListen" => {
            listen(port, command["symmetric"] == true)?;
            emit(json!({"event": "p2pListening", "port": port}));
        }
        "p2pConnect" => {
            let conn = connect(&identity()?, port, command)?;
            emit(json!({"event": "dialled", "conn": conn}));
        }
        "signal" => take_signal(&unhex(command["hex"].as_str().unwrap_or(""))?),
        "route" => emit(route(command["conn"].as_u64().unwrap_or(0) as u32)),
        "messages" => unsafe { install() },
        "messageTo" => {
            let bytes = unhex(command["hex"].as_str().unwrap_or(""))?;
            let result = message_to(&identity()?, &bytes, command);
            emit(json!({"event": "messageSent", "result": result}));
        }
        "acceptSession" => {
            let done = unsafe {
                SteamAPI_ISteamNetworkingMessages_AcceptSessionWithUser(messages(), &identity()?)
            };
            emit(json!({"event": "sessionAccepted", "ok": done}));
        }
        "closeSession" => unsafe {
            SteamAPI_ISteamNetworkingMessages_CloseSessionWithUser(messages(), &identity()?);
        },
        _ => return Ok(false),
    }
    Ok(true)
}

fn sockets() -> *mut ISteamNetworkingSockets {
    unsafe { SteamAPI_SteamNetworkingSockets_v009() }
}

fn messages() -> *mut ISteamNetworkingMessages {
    unsafe { SteamAPI_SteamNetworkingMessages_v002() }
}

fn parse(text: &str) -> Result<SteamNetworkingIdentity, String> {
    let c_text = CString::new(text).map_err(|error| error.to_string())?;
    let mut parsed = SteamNetworkingIdentity::default();
    let size = std::mem::size_of::<SteamNetworkingIdentity>();
    if unsafe { SteamAPI_SteamNetworkingIdentity_ParseString(&mut parsed, size, c_text.as_ptr()) } {
        Ok(parsed)
    } else {
        Err(format!("{text} is no identity"))
    }
}

fn print(identity: &SteamNetworkingIdentity) -> String {
    let mut copy = *identity;
    let mut text = [0 as c_char; 256];
    unsafe {
        SteamAPI_SteamNetworkingIdentity_ToString(&mut copy, text.as_mut_ptr(), 256);
        std::ffi::CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned()
    }
}

/// `{"value": number of ESteamNetworkingConfigValue, "text": …}`; whole process.
fn configure(command: &Value) -> Result<(), String> {
    let value = command["value"].as_i64().ok_or("configText wants a value number")? as i32;
    let text = CString::new(command["text"].as_str().unwrap_or(""))
        .map_err(|error| error.to_string())?;
    let done = unsafe {
        // The number comes from the library's own table; an unknown one is refused inside.
        let value: ESteamNetworkingConfigValue = std::mem::transmute(value);
        let utils = SteamAPI_SteamNetworkingUtils_v003();
        SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueString(utils, value, text.as_ptr())
    };
    if !done {
        return Err(format!("config {value} was refused"));
    }
    emit(json!({"event": "configured", "value": value}));
    Ok(())
}

fn int_option(value: ESteamNetworkingConfigValue, number: i32) -> SteamNetworkingConfigValue_t {
    SteamNetworkingConfigValue_t {
        m_eValue: value,
        m_eDataType: ESteamNetworkingConfigDataType::k_ESteamNetworkingConfig_Int32,
        m_val: SteamNetworkingConfigValue_t__bindgen_ty_1 { m_int32: number },
    }
}

fn listen(port: c_int, symmetric: bool) -> Result<(), String> {
    let option = int_option(
        ESteamNetworkingConfigValue::k_ESteamNetworkingConfig_SymmetricConnect,
        symmetric.into(),
    );
    let socket =
        unsafe { SteamAPI_ISteamNetworkingSockets_CreateListenSocketP2P(sockets(), port, 1, &option) };
    if socket == 0 { Err(format!("cannot listen on virtual port {port}")) } else { Ok(()) }
}

fn connect(identity: &SteamNetworkingIdentity, port: c_int, command: &Value) -> Result<u32, String> {
    let local = command["localPort"].as_i64().unwrap_or(port.into()) as i32;
    let symmetric = i32::from(command["symmetric"] == true);
    let options = [
        int_option(ESteamNetworkingConfigValue::k_ESteamNetworkingConfig_LocalVirtualPort, local),
        int_option(
            ESteamNetworkingConfigValue::k_ESteamNetworkingConfig_SymmetricConnect,
            symmetric,
        ),
    ];
    let conn = unsafe {
        SteamAPI_ISteamNetworkingSockets_ConnectP2PCustomSignaling(
            sockets(),
            signaling_to(identity),
            identity,
            port,
            options.len() as c_int,
            options.as_ptr(),
        )
    };
    if conn == 0 { Err(format!("cannot call {}", print(identity))) } else { Ok(conn) }
}

/// Each connection's signaling knows the peer it is for.
fn signaling_to(identity: &SteamNetworkingIdentity) -> *mut ISteamNetworkingConnectionSignaling {
    let peer = Box::into_raw(Box::new(print(identity)));
    unsafe {
        SteamAPI_ISteamNetworkingSockets_CreateCustomSignaling(
            peer as *mut c_void,
            Some(send_signal),
            Some(release),
        )
    }
}

unsafe extern "C" fn send_signal(
    ctx: *mut c_void,
    _conn: HSteamNetConnection,
    _info: *const SteamNetConnectionInfo_t,
    bytes: *const c_void,
    length: c_int,
) -> bool {
    let peer = &*(ctx as *const String);
    let bytes = std::slice::from_raw_parts(bytes as *const u8, length as usize);
    emit(json!({"event": "signal", "to": peer, "hex": hex(bytes)}));
    true
}

unsafe extern "C" fn release(ctx: *mut c_void) {
    drop(Box::from_raw(ctx as *mut String));
}

fn take_signal(bytes: &[u8]) {
    unsafe {
        SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal2(
            sockets(),
            bytes.as_ptr() as *const c_void,
            bytes.len() as c_int,
            null_mut(),
            Some(on_connect_request),
            None,
        );
    }
}

unsafe extern "C" fn on_connect_request(
    _ctx: *mut c_void,
    _conn: HSteamNetConnection,
    peer: *const SteamNetworkingIdentity,
    _port: c_int,
) -> *mut ISteamNetworkingConnectionSignaling {
    signaling_to(&*peer)
}

/// As `test_p2p` prints it.
fn route(conn: u32) -> Value {
    unsafe {
        let mut info = SteamNetConnectionInfo_t::default();
        let known = SteamAPI_ISteamNetworkingSockets_GetConnectionInfo(sockets(), conn, &mut info);
        let kind = match info.m_nFlags {
            flags if flags & 16 != 0 => "relay",
            flags if flags & 8 != 0 => "local",
            _ => "udp",
        };
        json!({"event": "route", "conn": conn, "ok": known, "type": kind})
    }
}

// ISteamNetworkingMessages.

unsafe fn install() {
    let utils = SteamAPI_SteamNetworkingUtils_v003();
    let set = |value, callback: *mut c_void| {
        SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValuePtr(utils, value, callback);
    };
    use ESteamNetworkingConfigValue as Config;
    let create: unsafe extern "C" fn(_, _, _, _) -> _ = create_signaling;
    set(Config::k_ESteamNetworkingConfig_Callback_CreateConnectionSignaling, create as *mut c_void);
    let request: unsafe extern "C" fn(_) = session_request;
    set(Config::k_ESteamNetworkingConfig_Callback_MessagesSessionRequest, request as *mut c_void);
    let failed: unsafe extern "C" fn(_) = session_failed;
    set(Config::k_ESteamNetworkingConfig_Callback_MessagesSessionFailed, failed as *mut c_void);
    messages();
    emit(json!({"event": "messagesReady"}));
}

unsafe extern "C" fn create_signaling(
    _sockets: *mut ISteamNetworkingSockets,
    peer: *const SteamNetworkingIdentity,
    _local_port: c_int,
    _remote_port: c_int,
) -> *mut ISteamNetworkingConnectionSignaling {
    signaling_to(&*peer)
}

unsafe extern "C" fn session_request(request: *mut SteamNetworkingMessagesSessionRequest_t) {
    let peer = (*request).m_identityRemote;
    emit(json!({"event": "sessionRequest", "identity": print(&peer)}));
}

unsafe extern "C" fn session_failed(failed: *mut SteamNetworkingMessagesSessionFailed_t) {
    let info = (*failed).m_info;
    let peer = info.m_identityRemote;
    let reason = info.m_eEndReason;
    emit(json!({"event": "sessionFailed", "identity": print(&peer), "reason": reason}));
}

fn message_to(identity: &SteamNetworkingIdentity, bytes: &[u8], command: &Value) -> i32 {
    let result = unsafe {
        SteamAPI_ISteamNetworkingMessages_SendMessageToUser(
            messages(),
            identity,
            bytes.as_ptr() as *const c_void,
            bytes.len() as u32,
            command["flags"].as_i64().unwrap_or(8) as c_int,
            command["channel"].as_i64().unwrap_or(0) as c_int,
        )
    };
    if result == OK { 0 } else { result as i32 }
}

/// What users have sent, one event each. False when there was nothing.
pub fn receive() -> bool {
    let mut busy = false;
    for channel in CHANNELS {
        let mut pointers = [null_mut::<SteamNetworkingMessage_t>(); 64];
        let count = unsafe {
            SteamAPI_ISteamNetworkingMessages_ReceiveMessagesOnChannel(
                messages(),
                channel,
                pointers.as_mut_ptr(),
                64,
            )
        };
        for &pointer in &pointers[..count.max(0) as usize] {
            busy = true;
            unsafe {
                let message = &*pointer;
                let size = message.m_cbSize as usize;
                let data = if size == 0 { null() } else { message.m_pData as *const u8 };
                let bytes =
                    if size == 0 { &[][..] } else { std::slice::from_raw_parts(data, size) };
                emit(json!({
                    "event": "userMessage", "identity": print(&message.m_identityPeer),
                    "channel": channel, "reliable": message.m_nFlags & 8 != 0, "hex": hex(bytes),
                }));
                SteamAPI_SteamNetworkingMessage_t_Release(pointer);
            }
        }
    }
    busy
}
