//! The layout of the pages, the login page, and the page with a notice.

use askama::Template;

use super::assets::{AssetNames, NAMES};
use crate::admin::api::Access;

/// Values that the layout of each page needs.
pub(super) struct Layout {
    /// Relative path to the root of the console.
    pub(super) up: String,
    pub(super) assets: &'static AssetNames,
    /// True if the operator has logged in with the `admin_token`.
    pub(super) may_change: bool,
    page: &'static str,
}

/// A link of the navigation.
pub(super) struct NavLink {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) is_current: bool,
}

/// Path and title of each page in the navigation.
const PAGES: [(&str, &str); 6] = [
    ("", "Callbacks"),
    ("templates", "Templates"),
    ("domains", "Domains"),
    ("queue", "Queue"),
    ("send", "Send"),
    ("status", "Status"),
];

impl Layout {
    /// Creates the layout of a page. `up` is the relative path from the page to the root. `page` is
    /// the path of the current page in the navigation.
    pub(super) fn new(up: &str, page: &'static str, access: Access) -> Self {
        let up = if up.is_empty() { "./" } else { up }.to_owned();
        Self { up, assets: &NAMES, may_change: access == Access::Change, page }
    }

    pub(super) fn pages(&self) -> impl Iterator<Item = NavLink> {
        PAGES.into_iter().map(|(path, title)| NavLink {
            path,
            title,
            is_current: path == self.page,
        })
    }
}

/// The form for the token.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    layout: Layout,
    /// Reason why the login failed; empty if the operator has only opened the page.
    problem: String,
}

impl LoginPage {
    pub(super) fn new(problem: &str) -> Self {
        let layout = Layout::new("", "login", Access::Read);
        Self { layout, problem: problem.to_owned() }
    }
}

/// A page with a title and a short text.
#[derive(Template)]
#[template(path = "notice.html")]
pub(super) struct NoticePage {
    layout: Layout,
    title: &'static str,
    text: &'static str,
}

impl NoticePage {
    pub(super) const fn new(layout: Layout, title: &'static str, text: &'static str) -> Self {
        Self { layout, title, text }
    }
}
