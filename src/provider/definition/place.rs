//! Reads the locators, pointers and setting names of a definition.

use http::HeaderName;
use http::header::HOST;

use super::DefinitionReader;
use super::raw_body::RAW_BODY;
use crate::provider::locator::{ALTERNATIVES, CapturedHeader, Locator};
use crate::provider::pointer::Pointer;
use crate::provider::setting::SettingType;
use crate::toml_reader::{Located, Table};

impl<'f> DefinitionReader<'f> {
    /// Reads a JSON Pointer. Reports a fault for a pointer into a raw body, which has no fields.
    pub(super) fn pointer(&self, text: &Located<&str>) -> Option<Pointer> {
        let pointer = Pointer::parse(text.value);
        if pointer.is_some() && !self.has_fields.get() {
            self.faults.add_text(text, "a place outside of the raw body", RAW_BODY);
        }
        let Some(pointer) = pointer else {
            let remedy = "write a pointer, for example \"/stream_id\"";
            self.faults.add_text(text, "a JSON Pointer", remedy);
            return None;
        };
        // A pointer never reads an element of a list: a platform may change the order of a list.
        let is_index = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
        if pointer.segments().skip(1).any(|segment| !segment.is_empty() && is_index(segment)) {
            let remedy = "name a member outside of the list, or leave the list to the app";
            self.faults.add_text(text, "a member of an object, not an element of a list", remedy);
        }
        Some(pointer)
    }

    pub(super) fn pointers(&self, table: &Table<'f>, key: &'f str) -> Vec<Pointer> {
        table.strings(key).iter().filter_map(|text| self.pointer(text)).collect()
    }

    /// Reads a locator: the place of a value, or several places with ` | ` between them.
    pub(super) fn locator(&self, text: &Located<&str>) -> Option<Locator> {
        if !text.value.contains(ALTERNATIVES) {
            return self.one_place(text);
        }
        let places = text.value.split(ALTERNATIVES);
        let places = places.map(|value| Located { value, place: text.place.clone() });
        self.one_of(&places.collect::<Vec<_>>())
    }

    /// Reads a list of alternative places. A list of one place means this place.
    pub(super) fn one_of(&self, places: &[Located<&str>]) -> Option<Locator> {
        let read = places.iter().map(|place| self.one_place(place));
        let mut read = read.collect::<Option<Vec<_>>>()?;
        if read.len() < 2 {
            return read.pop();
        }
        if read.iter().any(|place| matches!(place, Locator::Setting(..))) {
            let problem = "expected places of the request as alternatives, found a setting";
            let remedy = "remove the setting, or the alternatives to it";
            self.faults.add(&places.first()?.place, problem, remedy);
        }
        Some(Locator::OneOf(read.into()))
    }

    /// Reads `/pointer`, `header:NAME`, `query:NAME`, `setting:NAME`, `method`, `target` or `host`.
    fn one_place(&self, text: &Located<&str>) -> Option<Locator> {
        match text.value.split_once(':') {
            Some(("header", name)) => self.header_name(text, name).map(|name| self.header_at(name)),
            None if text.value == "host" => Some(self.header_at(HOST)),
            None if text.value == "method" => Some(Locator::Method),
            None if text.value == "target" => {
                *self.reads_target.borrow_mut() = true;
                Some(Locator::Target)
            }
            Some(("query", name)) => {
                *self.reads_query.borrow_mut() = true;
                Some(Locator::Query(name.into()))
            }
            Some(("setting", name)) => {
                self.setting(text, name).map(|index| Locator::Setting(index, name.into()))
            }
            _ if text.value.starts_with('/') => self.pointer(text).map(Locator::Body),
            _ => {
                let remedy = "write \"/pointer\", \"header:NAME\", \"query:NAME\", \"setting:NAME\", \
                              \"method\", \"target\" or \"host\"";
                self.faults.add_text(text, "a location", remedy);
                None
            }
        }
    }

    fn header_at(&self, name: HeaderName) -> Locator {
        Locator::Header(CapturedHeader { index: self.capture(&name), name })
    }

    pub(super) fn locators(&self, table: &Table<'f>, key: &'f str) -> Vec<Locator> {
        table.strings(key).iter().filter_map(|text| self.locator(text)).collect()
    }

    /// Reads `tenant_app`: the place of the application. With this key, a template can bind one
    /// application of a tenant. Reports a fault if the definition has no place of the tenant.
    pub(super) fn tenant_app(&self, table: &Table<'f>, tenant: &[Locator]) -> Option<Locator> {
        let text = table.string("tenant_app")?;
        if tenant.is_empty() {
            let problem = "expected a place of the tenant with `tenant_app`, found none";
            self.faults.add(&text.place, problem, "set `tenant`, or remove `tenant_app`");
        }
        self.locator(&text)
    }

    pub(super) fn header_name(&self, text: &Located<&str>, name: &str) -> Option<HeaderName> {
        let name = HeaderName::try_from(name).ok();
        if name.is_none() {
            self.faults.add_text(text, "a header name", "use letters, digits and -");
        }
        name
    }

    /// Returns the index of a header in `headers`. First adds the header if the list lacks it.
    pub(super) fn capture(&self, name: &HeaderName) -> usize {
        let mut headers = self.headers.borrow_mut();
        headers.iter().position(|known| known == name).unwrap_or_else(|| {
            headers.push(name.clone());
            headers.len() - 1
        })
    }

    /// Returns the index of a setting. Reports a fault if `[settings]` does not declare the
    /// setting.
    pub(super) fn setting(&self, text: &Located<&str>, name: &str) -> Option<usize> {
        let index = self.settings.iter().position(|setting| *setting.name == *name);
        if index.is_none() {
            let name = Located { value: name, place: text.place.clone() };
            let names = self.settings.iter().map(|setting| &*setting.name);
            self.faults.add_unknown(&name, "setting", names);
        }
        index
    }

    /// Returns the index of a setting that contains a key. Reports a fault for a setting that is
    /// not a secret, because operators can see its value.
    pub(super) fn key_setting(&self, text: &Located<&str>, name: &str) -> Option<usize> {
        let index = self.setting(text, name)?;
        let setting = self.settings.get(index);
        if !setting.is_some_and(|setting| matches!(setting.ty, SettingType::Secret)) {
            let problem = format!("expected a secret setting as the key, found `{name}`");
            let remedy = format!("write secret = true in [settings.{name}]");
            self.faults.add(&text.place, problem, remedy);
        }
        Some(index)
    }
}
