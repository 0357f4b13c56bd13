//! The peers, each with one worker, on a port of its own.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::process::{Peer, free_port};

/// A server that is measured.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    BareNginx,
    BarePingora,
    Gatepost,
    Haproxy,
    Lua,
    Njs,
    Php,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BareNginx => "nginx",
            Self::BarePingora => "Pingora",
            Self::Gatepost => "gatepost",
            Self::Haproxy => "HAProxy",
            Self::Lua => "nginx + Lua",
            Self::Njs => "nginx + njs",
            Self::Php => "nginx + php-fpm",
        }
    }
}

/// Where the peers' files are, and what they forward to.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) folder: PathBuf,
    pub(super) app: u16,
    /// The app in PHP, if it runs.
    pub(super) php: u16,
    /// The gatepost under test.
    pub(super) gatepost: PathBuf,
    /// Pingora without anything; see `bare.rs`.
    pub(super) bare: PathBuf,
}

/// What is loaded before the configuration.
const LUA: &str =
    "load_module modules/ndk_http_module.so;\nload_module modules/ngx_http_lua_module.so;";
const NJS: &str = "load_module modules/ngx_http_js_module.so;";

impl Ground {
    /// Starts one, and waits until it serves.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start(&self, kind: Kind) -> Result<Peer, Box<dyn Error>> {
        let port = free_port()?;
        let child = match kind {
            Kind::BareNginx => self.nginx("bare", "", include_str!("peers/pass.conf"), port)?,
            Kind::BarePingora => {
                let addresses = [format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", self.app)];
                pinned(&self.bare, addresses, &[])?
            }
            Kind::Gatepost => self.gatepost(include_str!("peers/gatepost.toml"), port, "0")?,
            Kind::Haproxy => {
                let config = self.write("haproxy.cfg", include_str!("peers/haproxy.cfg"), port)?;
                pinned(Path::new("haproxy"), ["-db", "-f", &config], &[])?
            }
            Kind::Lua => self.nginx("lua", LUA, include_str!("peers/lua.conf"), port)?,
            Kind::Njs => {
                self.write("verify.js", include_str!("peers/verify.js"), port)?;
                self.nginx("njs", NJS, include_str!("peers/njs.conf"), port)?
            }
            Kind::Php => self.php(port)?,
        };
        let mut peer = Peer::new(kind.name(), port, child);
        peer.wait_until_ready()?;
        Ok(peer)
    }

    /// gatepost with that config, on those cores.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn gatepost(
        &self,
        config: &str,
        port: u16,
        cores: &str,
    ) -> Result<Child, Box<dyn Error>> {
        let config = self.write("gatepost.toml", config, port)?;
        let environment = [("GATEPOST_LOG", "off")];
        pinned_to(cores, &self.gatepost, ["run", "-c", &config], &environment)
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

    /// One process of PHP behind an nginx; the nginx is the root of both.
    fn php(&self, port: u16) -> Result<Child, Box<dyn Error>> {
        self.write("app.php", include_str!("peers/app.php"), port)?;
        let fpm = self.write("php-fpm.conf", include_str!("peers/php-fpm.conf"), port)?;
        let config = include_str!("peers/nginx.conf")
            .replace("@MODULES@", "")
            .replace("@SERVER@", include_str!("peers/php.conf"))
            .replace("@NAME@", "php");
        let nginx = self.write("php-nginx.conf", &config, port)?;
        // Where it is called depends on its version.
        let both = format!(
            "$(ls /usr/sbin/php-fpm* | tail -1) -F -y {fpm} & exec nginx -c {nginx} -e {}",
            self.path("nginx-start.log")
        );
        pinned(Path::new("sh"), ["-c", &both], &[])
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

/// Starts a program on the core that is not the load's.
fn pinned<S: AsRef<std::ffi::OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
    environment: &[(&str, &str)],
) -> Result<Child, Box<dyn Error>> {
    pinned_to("0", program, arguments, environment)
}

/// `SIGINT` when this program dies: all of them stop at once on it.
fn pinned_to<S: AsRef<std::ffi::OsStr>>(
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
