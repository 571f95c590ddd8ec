//! Attacks by way of sockets: networks, services of this machine, and pairs that could send to either.

use std::fs::File;
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use libc::EPERM;

use crate::redteam::attack::{Attack, By, On, call};

pub static ATTACKS: &[Attack] = &[
    Attack::new("connect by TCP", By::Either, On::Nothing, &[EPERM], |t, _| {
        TcpStream::connect(("127.0.0.1", t.tcp_port)).map(drop)
    }),
    Attack::new("listen by TCP", By::Either, On::Nothing, &[EPERM], |_, _| TcpListener::bind("127.0.0.1:0").map(drop)),
    Attack::new("make a UDP socket", By::Seccomp, On::Nothing, &[EPERM], |_, _| {
        UdpSocket::bind("127.0.0.1:0").map(drop)
    }),
    Attack::new("connect to a Unix socket", By::Seccomp, On::Nothing, &[EPERM], |t, _| {
        UnixStream::connect(short_path(&t.socket)?.1).map(drop)
    }),
    Attack::new("make a Unix socket in scratch", By::Either, On::Nothing, &[EPERM], |_, c| {
        UnixListener::bind(short_path(&c.scratch.join("socket"))?.1).map(drop)
    }),
    Attack::new("connect to an abstract socket", By::Either, On::Nothing, &[EPERM], |t, _| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&t.abstract_socket)?).map(drop)
    }),
    Attack::new("make a Unix datagram socket", By::Seccomp, On::Nothing, &[EPERM], |_, _| {
        UnixDatagram::unbound().map(drop)
    }),
    Attack::new("make a pair of datagram sockets", By::Seccomp, On::Nothing, &[EPERM], |_, _| {
        UnixDatagram::pair().map(drop)
    }),
    Attack::new("make a netlink socket", By::Seccomp, On::Nothing, &[EPERM], |_, _| {
        call(libc::SYS_socket, &[libc::AF_NETLINK as u64, libc::SOCK_RAW as u64, 0])
    }),
];

/// A socket's address holds 108 bytes, and homes may lie deeper: the way leads through the folder's descriptor. Looking at a folder
/// without opening it is something that Landlock allows.
pub(in crate::redteam) fn short_path(path: &Path) -> io::Result<(File, PathBuf)> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::options().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(folder)?;
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((folder, path))
}
