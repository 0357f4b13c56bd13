//! Next steps of the operator: the settings for the platform's console, and the next commands.

use std::path::Path;

use gatepost::{KindInfo, ProviderInfo};

use super::choices::Choices;
use super::config_text::RoutePath;
use super::secret_file::{SecretFile, setting_file};
use crate::cli::config_argument::DEFAULT_CONFIG;
use crate::cli::door::Door;
use crate::cli::print::out;

impl Choices {
    /// Prints the settings for the platform's console, and the next commands.
    pub(super) fn print_steps(
        &self,
        provider: &ProviderInfo,
        secret: &SecretFile,
        token: Option<&SecretFile>,
        path: &Path,
    ) {
        let key_file = secret.path.display().to_string();
        let urls: Vec<_> = RoutePath::all(provider).iter().map(public_url).collect();
        out(&format!("\nSet up {} ({}):", provider.title, provider.docs));
        let generic = if provider.keys {
            "enter {url} as the address of callbacks, and the same key as in {key_file}"
        } else {
            "enter {url} as the address of callbacks"
        };
        let setup = provider.setup.as_deref().unwrap_or(generic);
        let shown = setup.replace("{url}", &urls[0]).replace("{key_file}", &key_file);
        out(&format!("  {}", shown.trim()));
        let token = token.unwrap_or(secret);
        if provider.token {
            out(&format!("  TOKEN is the content of {}.", token.path.display()));
        }
        urls.iter().skip(1).for_each(|url| out(&format!("  also: {url}")));
        for setting in provider.settings.iter().filter(|setting| setting.secret) {
            let file = path.with_file_name(setting_file(provider, setting));
            out(&format!(
                "  Write into {}, in place of its content: {}.",
                file.display(),
                setting.about
            ));
        }
        if self.door == Door::Layer {
            out(&rust_lines(path, &RoutePath::all(provider)[0].path));
        }
        let check = self.purpose().check_command();
        out(&format!("\nNext:\n  {check}{}", config_option(path)));
        if self.door == Door::Proxy {
            let note = "# keeps running; send from another terminal";
            out(&format!("  gatepost run{}  {note}", config_option(path)));
        }
        if !secret.is_missing {
            out(&format!("  {}", self.send_command(provider, secret, token)));
        }
    }
}

impl Choices {
    /// Returns the command that sends a sample callback to the new route.
    fn send_command(
        &self,
        provider: &ProviderInfo,
        secret: &SecretFile,
        token: &SecretFile,
    ) -> String {
        let file = secret.path.display();
        let path = &RoutePath::all(provider)[0].path;
        let is_like_provider =
            |kind: &&KindInfo| self.definition.signs(&kind.name) == provider.keys;
        let signed = provider.kinds.iter().find(is_like_provider);
        let kind = signed.or(provider.kinds.first()).map_or("", |kind| &kind.name);
        let path = path.replace("{token}", &format!("$(cat {})", token.path.display()));
        let key = if provider.keys { format!(" --key-file {file}") } else { String::new() };
        let listen = &self.listen;
        let own = self.definition_file.as_deref();
        let own = own.map(|file| format!(" --definition {file}")).unwrap_or_default();
        format!("gatepost send {}.{kind}{own} --to \"http://{listen}{path}\"{key}", provider.name)
    }
}

/// Returns the address that the operator enters in the platform's console.
fn public_url(route: &RoutePath) -> String {
    format!("https://YOUR-HOST{}", route.path.replace("{token}", "TOKEN"))
}

fn config_option(path: &Path) -> String {
    if path == Path::new(DEFAULT_CONFIG) {
        String::new()
    } else {
        format!(" -c {}", path.display())
    }
}

fn rust_lines(path: &Path, route: &str) -> String {
    format!(
        "\nIn your program:\n  let gate = gatepost::Gate::from_toml_file({:?})?;\n  let app = \
         axum::Router::new()\n      .route({route:?}, axum::routing::post(handler))\n      \
         .layer(gatepost::GateLayer::new(gate));",
        path.display().to_string()
    )
}
