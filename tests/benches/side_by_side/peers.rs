//! The servers that the program compares, called peers. Each peer has one worker, except in
//! `--scale`.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::process::{Peer, free_port};

/// A server under test.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    BareNginx,
    BarePingora,
    /// Pingora alone, but with `x-forwarded` headers.
    ForwardingPingora,
    Gatepost,
    /// gatepost that captures callbacks.
    GatepostCapturing,
    /// gatepost with a store, a TLS listener and the console.
    GatepostEquipped,
    GatepostTls,
    Haproxy,
    Lua,
    LuaTls,
    /// nginx that sends a fixed reply over TLS.
    NginxTls,
    Njs,
    Php,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BareNginx | Self::NginxTls => "nginx",
            Self::BarePingora => "Pingora",
            Self::ForwardingPingora => "Pingora + x-forwarded-*",
            Self::Gatepost | Self::GatepostTls => "gatepost",
            Self::GatepostCapturing => "gatepost + inspector",
            Self::GatepostEquipped => "gatepost + store, TLS and console",
            Self::Haproxy => "HAProxy",
            Self::Lua | Self::LuaTls => "nginx + Lua",
            Self::Njs => "nginx + njs",
            Self::Php => "nginx + php-fpm",
        }
    }

    /// Returns true if the load sends its requests over TLS.
    pub(super) fn speaks_tls(self) -> bool {
        matches!(self, Self::GatepostTls | Self::LuaTls | Self::NginxTls)
    }
}

/// Folder, ports and programs with which the peers start.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) folder: PathBuf,
    pub(super) app: u16,
    /// Port of the PHP app, or an unused port if that app does not run.
    pub(super) php: u16,
    /// Path of the gatepost program under test.
    pub(super) gatepost: PathBuf,
    /// Path of the program that runs Pingora alone; see `bare.rs`.
    pub(super) bare: PathBuf,
    pub(super) machine: Machine,
}

/// Resources that limit the sizes of `--scale`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    pub(super) cores: usize,
    /// Maximum number of file descriptors of a process.
    pub(super) descriptors: u64,
}

/// Config file of gatepost.
pub(super) const GATEPOST: &str = include_str!("peers/gatepost.toml");

/// Start of a config with an admin listener, and with a token, which turns the inspector on.
pub(super) const INSPECTOR: &str = "admin = \"127.0.0.1:@ADMIN@\"\nadmin_token = \"bench-token\"\n";

/// Token of the admin listener.
pub(super) const TOKEN: &str = "bench-token";

/// Directives of nginx that load the Lua modules.
const LUA: &str =
    "load_module modules/ndk_http_module.so;\nload_module modules/ngx_http_lua_module.so;";
const NJS: &str = "load_module modules/ngx_http_js_module.so;";

/// Listener of nginx in `lua.conf` and `fixed.conf`. [`LISTENS_TLS`] replaces it for TLS.
const LISTENS: &str = "listen 127.0.0.1:@PORT@ backlog=4096;";
const LISTENS_TLS: &str = "listen 127.0.0.1:@PORT@ ssl backlog=4096;
    ssl_certificate @DIR@/chain.pem; ssl_certificate_key @DIR@/key.pem; ssl_protocols TLSv1.3;";

/// Certificate in the config of gatepost.
const CERTIFICATE: &str =
    "\n[[certificate]]\nchain = '@DIR@/chain.pem'\nkey = { file = '@DIR@/key.pem' }\n";

/// Returns gatepost's config with a TLS listener in place of the plain listener.
fn over_tls() -> String {
    GATEPOST.replacen("listen ", "listen_tls ", 1) + CERTIFICATE
}

/// Returns gatepost's config with the inspector.
///
/// # Errors
/// Returns an error if no port is free.
fn capturing() -> io::Result<String> {
    Ok(INSPECTOR.replace("@ADMIN@", &free_port()?.to_string()) + GATEPOST)
}

/// Returns gatepost's config with the console, a store, and a second listener for TLS.
fn equipped() -> io::Result<String> {
    let (config, tls) = (capturing()?, free_port()?);
    let store = "\n[store]\nurl = 'sqlite:equipped.db'\n";
    Ok(format!("listen_tls = '127.0.0.1:{tls}'\n{config}{store}{CERTIFICATE}"))
}

impl Ground {
    /// Starts a peer, and waits until the peer accepts connections.
    ///
    /// # Errors
    /// Returns an error if the peer does not start.
    pub(super) fn start(&self, kind: Kind) -> Result<Peer, Box<dyn Error>> {
        let port = free_port()?;
        let child = match kind {
            Kind::BareNginx => self.nginx("bare", "", include_str!("peers/pass.conf"), port)?,
            Kind::BarePingora | Kind::ForwardingPingora => {
                let word = if kind == Kind::ForwardingPingora { "forwarded" } else { "" };
                let app = format!("127.0.0.1:{}", self.app);
                pinned(&self.bare, [&format!("127.0.0.1:{port}"), &app, word], &[])?
            }
            Kind::Gatepost => return self.gatepost("gatepost.toml", GATEPOST, "0"),
            Kind::GatepostCapturing => {
                return self.gatepost("gatepost-capturing.toml", &capturing()?, "0");
            }
            Kind::GatepostEquipped => {
                return self.gatepost("gatepost-equipped.toml", &equipped()?, "0");
            }
            Kind::GatepostTls => return self.gatepost("gatepost-tls.toml", &over_tls(), "0"),
            Kind::Haproxy => {
                let config = self.write("haproxy.cfg", include_str!("peers/haproxy.cfg"), port)?;
                pinned(Path::new("haproxy"), ["-db", "-f", &config], &[])?
            }
            Kind::Lua => self.nginx("lua", LUA, include_str!("peers/lua.conf"), port)?,
            Kind::LuaTls => {
                let server = include_str!("peers/lua.conf").replace(LISTENS, LISTENS_TLS);
                self.nginx("lua-tls", LUA, &server, port)?
            }
            Kind::NginxTls => {
                let server = include_str!("peers/fixed.conf").replace(LISTENS, LISTENS_TLS);
                self.nginx("nginx-tls", "", &server, port)?
            }
            Kind::Njs => {
                self.write("verify.js", include_str!("peers/verify.js"), port)?;
                self.nginx("njs", NJS, include_str!("peers/njs.conf"), port)?
            }
            Kind::Php => return self.php(port),
        };
        let mut peer = Peer::new(kind.name(), port, vec![child]);
        peer.wait_until_ready()?;
        Ok(peer)
    }

    /// Starts gatepost with this config, on these cores.
    ///
    /// # Errors
    /// Returns an error if gatepost does not start.
    pub(super) fn gatepost(
        &self,
        file: &str,
        config: &str,
        cores: &str,
    ) -> Result<Peer, Box<dyn Error>> {
        let port = free_port()?;
        let config = self.write(file, config, port)?;
        let environment = [("GATEPOST_LOG", "off")];
        let child = pinned_to(cores, &self.gatepost, ["run", "-c", &config], &environment)?;
        let mut peer = Peer::new(Kind::Gatepost.name(), port, vec![child]);
        peer.wait_until_ready()?;
        Ok(peer)
    }

    fn nginx(
        &self,
        name: &str,
        modules: &str,
        server: &str,
        port: u16,
    ) -> Result<Child, Box<dyn Error>> {
        let config = include_str!("peers/nginx.conf")
            .replace("@MODULES@", modules)
            .replace("@SERVER@", server)
            .replace("@NAME@", name);
        let config = self.write(&format!("{name}.conf"), &config, port)?;
        pinned(Path::new("nginx"), ["-c", &config, "-e", &self.path("nginx-start.log")], &[])
    }

    /// Starts nginx, and one PHP process that nginx passes requests to.
    fn php(&self, port: u16) -> Result<Peer, Box<dyn Error>> {
        self.write("app.php", include_str!("peers/app.php"), port)?;
        let fpm = self.write("php-fpm.conf", include_str!("peers/php-fpm.conf"), port)?;
        let fpm = pinned(&php_fpm()?, ["-F", "-y", &fpm], &[])?;
        let nginx = self.nginx("php", "", include_str!("peers/php.conf"), port)?;
        let mut peer = Peer::new(Kind::Php.name(), port, vec![nginx, fpm]);
        peer.wait_until_ready()?;
        Ok(peer)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn write(&self, name: &str, text: &str, port: u16) -> Result<String, Box<dyn Error>> {
        let text = text
            .replace("@DIR@", &self.folder.to_string_lossy())
            .replace("@PORT@", &port.to_string())
            .replace("@APP@", &self.app.to_string())
            .replace("@PHP@", &self.php.to_string());
        let path = self.path(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// Returns the path of php-fpm, whose file name contains the version.
///
/// # Errors
/// Returns an error if php-fpm is not installed.
pub(super) fn php_fpm() -> Result<PathBuf, Box<dyn Error>> {
    let programs = fs::read_dir("/usr/sbin")?.filter_map(|entry| Some(entry.ok()?.path()));
    let name = |path: &PathBuf| path.to_string_lossy().starts_with("/usr/sbin/php-fpm");
    Ok(programs.filter(name).max().ok_or("expected php-fpm, found none; install it")?)
}

/// Starts a program on the core that the load does not use.
fn pinned<S: AsRef<std::ffi::OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    environment: &[(&str, &str)],
) -> Result<Child, Box<dyn Error>> {
    pinned_to("0", program, arguments, environment)
}

/// Starts a program on these cores. If this process ends, the program gets `SIGINT` and stops.
///
/// # Errors
/// Returns an error if the program does not start.
pub(super) fn pinned_to<S: AsRef<std::ffi::OsStr>>(
    cores: &str,
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    environment: &[(&str, &str)],
) -> Result<Child, Box<dyn Error>> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT", "taskset", "-c", cores]).arg(program).args(arguments);
    command.envs(environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
    if std::env::var_os("COMPARE_VERBOSE").is_none() {
        command.stderr(Stdio::null());
    }
    Ok(command.spawn()?)
}
