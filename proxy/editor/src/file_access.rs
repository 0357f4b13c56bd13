//! Access to the config file: owner, mode, access control list and other extended attributes.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

use xattr::FileExt as _;

/// Attribute that contains a POSIX access control list.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Attributes that describe the content of a file. The kernel sets these attributes.
const CONTENT_ATTRIBUTES: [&str; 2] = ["security.evm", "security.ima"];

/// Gives the new file the owner, the mode and the attributes of the old file.
///
/// If gatepost cannot set the access control list, reduces the rights of the group to the rights
/// that the list gave to the group.
pub(crate) fn keep_access(new: &File, old: &File) -> io::Result<()> {
    let (was, is) = (old.metadata()?, new.metadata()?);
    if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
        fchown(new, Some(was.uid()), Some(was.gid()))?;
    }
    let mode = was.mode() & 0o7777;
    new.set_permissions(Permissions::from_mode(mode))?;
    let list = old.get_xattr(ACCESS_LIST).unwrap_or_default();
    match (&list, new.get_xattr(ACCESS_LIST).unwrap_or_default()) {
        // The new file has the default list of its folder. That list may give other users rights.
        (None, Some(_)) => new.remove_xattr(ACCESS_LIST)?,
        (None, None) => {}
        (Some(list), _) => {
            if let Err(error) = new.set_xattr(ACCESS_LIST, list) {
                let mode = mode & (!0o070 | (group_rights(list) << 3));
                new.set_permissions(Permissions::from_mode(mode))?;
                tracing::warn!(
                    "expected the edited config file to keep its access control list, found an error: \
                     {error}; set the list by hand"
                );
            }
        }
    }
    keep_attributes(new, old);
    Ok(())
}

/// Copies all attributes except the access control list and [`CONTENT_ATTRIBUTES`]. A failure
/// causes only a warning, because the copied attributes do not give access.
fn keep_attributes(new: &File, old: &File) {
    let is_other = |name: &OsStr| {
        name != ACCESS_LIST && CONTENT_ATTRIBUTES.iter().all(|content| name != *content)
    };
    for name in old.list_xattr().into_iter().flatten().filter(|name| is_other(name)) {
        let value = old.get_xattr(&name).ok().flatten();
        let Some(value) = value.filter(|_| new.get_xattr(&name).ok() != old.get_xattr(&name).ok())
        else {
            continue;
        };
        if let Err(error) = new.set_xattr(&name, &value) {
            let name = name.display();
            tracing::warn!(
                "expected the edited config file to keep its attribute {name}, found an error: \
                 {error}; set the attribute by hand"
            );
        }
    }
}

/// Returns the rights of the owning group in an access control list, as a number from 0 to 7
/// (`rwx`). The mask of the list limits the group's own entry. Returns 0 for an unreadable list.
fn group_rights(list: &[u8]) -> u32 {
    const GROUP: u16 = 0x04;
    const MASK: u16 = 0x10;
    const HEADER_BYTES: usize = 4;
    let entries = list.get(HEADER_BYTES..).unwrap_or_default();
    // An entry has a tag and rights of two bytes each, and an id of four bytes.
    let entries = entries.chunks_exact(8).filter_map(|entry| {
        let [t0, t1, r0, r1, ..] = *entry else { return None };
        Some((u16::from_le_bytes([t0, t1]), u16::from_le_bytes([r0, r1])))
    });
    let rights = |wanted| entries.clone().find(|(tag, _)| *tag == wanted).map(|(_, rights)| rights);
    u32::from(rights(GROUP).unwrap_or_default() & rights(MASK).unwrap_or(0o7) & 0o7)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// Returns an access control list with these rights of the user 1234, of the group and of the
    /// mask.
    fn list(user: u16, group: u16, mask: u16) -> Vec<u8> {
        const NO_ID: u32 = u32::MAX;
        let entries = [
            (1, 6, NO_ID),
            (2, user, 1234),
            (4, group, NO_ID),
            (0x10, mask, NO_ID),
            (0x20, 0, NO_ID),
        ];
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in entries {
            bytes.extend(u16::to_le_bytes(tag));
            bytes.extend(rights.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    fn files() -> (TempDir, File, File) {
        let folder = TempDir::new().unwrap();
        let open = |name: &str| File::create(folder.path().join(name)).unwrap();
        let (old, new) = (open("old"), open("new"));
        new.set_permissions(Permissions::from_mode(0o600)).unwrap();
        (folder, old, new)
    }

    fn set(file: &File, name: &str, value: &[u8]) -> bool {
        // Some file systems do not support the attribute.
        file.set_xattr(name, value).is_ok()
    }

    #[test]
    fn keeps_access_control_list() {
        let (_folder, old, new) = files();
        if !set(&old, ACCESS_LIST, &list(4, 0, 4)) {
            return;
        }
        assert_eq!(
            old.metadata().unwrap().mode() & 0o777,
            0o640,
            "expected the rights of the mask in the mode, found other rights"
        );
        keep_access(&new, &old).unwrap();
        assert_eq!(new.get_xattr(ACCESS_LIST).unwrap(), old.get_xattr(ACCESS_LIST).unwrap());
        assert_eq!(new.metadata().unwrap().mode() & 0o777, 0o640);
    }

    #[test]
    fn removes_list_inherited_from_folder() {
        let folder = TempDir::new().unwrap();
        let old = File::create(folder.path().join("old")).unwrap();
        old.set_permissions(Permissions::from_mode(0o640)).unwrap();
        let default = "system.posix_acl_default";
        if xattr::set(folder.path(), default, &list(7, 7, 7)).is_err() {
            return;
        }
        let new = File::create(folder.path().join("new")).unwrap();
        assert!(new.get_xattr(ACCESS_LIST).unwrap().is_some(), "expected a list, found none");
        keep_access(&new, &old).unwrap();
        assert_eq!(new.get_xattr(ACCESS_LIST).unwrap(), None);
        assert_eq!(new.metadata().unwrap().mode() & 0o777, 0o640);
    }

    #[test]
    fn keeps_other_attributes() {
        let (_folder, old, new) = files();
        if !set(&old, "user.note", b"live") {
            return;
        }
        assert!(set(&new, "user.other", b"x"));
        keep_access(&new, &old).unwrap();
        assert_eq!(new.get_xattr("user.note").unwrap().unwrap(), b"live");
    }

    #[test]
    fn loss_of_list_gives_group_no_additional_rights() {
        // A file can have the mode 660 although its list gives the group fewer rights.
        assert_eq!(group_rights(&list(6, 4, 6)), 0o4);
        assert_eq!(group_rights(&list(6, 0, 6)), 0);
        assert_eq!(group_rights(&list(6, 6, 4)), 0o4);
        assert_eq!(group_rights(b""), 0);
        assert_eq!(group_rights(b"\x02\0\0\0abc"), 0);
    }
}
