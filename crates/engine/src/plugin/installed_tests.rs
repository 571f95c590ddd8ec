//! Plug-ins in a home: added durably, used by digest, told when they were changed, removed whole.

use super::super::PluginFolder;
use super::super::files::Files;
use super::PluginHome;
use crate::registry::ExtractorSet;

fn plugin(version: &str) -> PluginFolder {
    let mut files = Files::default();
    let manifest = format!(
        "name = \"demo\"\nversion = \"{version}\"\nabout = \"x\"\nprotocol = 1\ncommand = [\"./run\"]\nmedia = [\"other\"]\n\
         emits = [{{ kind = \"noop.echo\", version = 1 }}]\n"
    );
    files.insert("plugin.toml", false, manifest);
    files.insert("run", true, "#!/bin/sh\n");
    PluginFolder::parse(files).unwrap()
}

fn add(home: &PluginHome, plugin: &PluginFolder, token: &str) -> std::path::PathBuf {
    let place = home.install(plugin, token).unwrap();
    home.begin_using(plugin, token).unwrap();
    place
}

#[test]
fn the_newest_added_is_used_and_older_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let home = PluginHome::new(folder.path().join("plugins"));
    assert!(home.names().unwrap().is_empty(), "no folder, no plug-ins");
    let (one, two) = (plugin("1"), plugin("2"));
    let first = add(&home, &one, "a");
    add(&home, &two, "b");
    assert_eq!(home.names().unwrap(), ["demo"]);
    assert_eq!(home.open("demo").unwrap().1.manifest.version, "2");
    assert_eq!(home.older("demo").unwrap(), [one.digest.to_hex()]);
    // Added again, the first is the newest again, and nothing was copied twice.
    assert_eq!(add(&home, &one, "c"), first);
    let mut set = ExtractorSet::default();
    home.add_to(&mut set).unwrap();
    assert_eq!(set.find("demo").unwrap().descriptor.version, one.version());
    assert_eq!(home.older("demo").unwrap(), [two.digest.to_hex()]);
}

#[test]
fn changed_files_are_told_and_adding_again_repairs_them() {
    let folder = tempfile::tempdir().unwrap();
    let home = PluginHome::new(folder.path().join("plugins"));
    let one = plugin("1");
    let place = add(&home, &one, "a");
    std::fs::remove_file(place.join("run")).unwrap();
    let message = |set: &ExtractorSet| set.explain_missing("demo");
    let mut set = ExtractorSet::default();
    home.add_to(&mut set).unwrap();
    assert!(set.find("demo").is_none() && message(&set).contains("the plug-in has no file run"), "{}", message(&set));
    std::fs::write(place.join("run"), "#!/bin/sh\nexit 1\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    std::fs::set_permissions(place.join("run"), mode).unwrap();
    let mut set = ExtractorSet::default();
    home.add_to(&mut set).unwrap();
    assert!(message(&set).contains("its files are not those that were added"), "{}", message(&set));
    add(&home, &one, "b");
    let mut set = ExtractorSet::default();
    home.add_to(&mut set).unwrap();
    assert!(set.find("demo").is_some() && set.broken().is_empty());
}

#[test]
fn removed_is_gone_and_what_a_dead_process_left_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    let home = PluginHome::new(plugins.clone());
    let refused = home.remove("demo", "x").unwrap_err().to_string();
    assert_eq!(refused, "there is no plug-in demo; there are none");
    add(&home, &plugin("1"), "a");
    std::fs::create_dir(plugins.join(".unfinished-dead")).unwrap();
    std::fs::write(plugins.join(".unfinished-dead/x"), "half").unwrap();
    assert_eq!(home.remove("../demo", "y").unwrap_err().to_string(), "there is no plug-in ../demo; there are demo");
    home.remove("demo", "z").unwrap();
    let left: Vec<_> = std::fs::read_dir(&plugins).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
}

#[test]
fn a_name_that_is_taken_stays_where_it_is() {
    let mut set = ExtractorSet::default();
    let (one, two) = (plugin("1"), plugin("2"));
    set.add(one.known("/one".into()));
    set.add(two.known("/two".into()));
    assert_eq!(set.iter().count(), 1);
    assert_eq!(set.find("demo").unwrap().descriptor.version, one.version());
    assert_eq!(set.broken().len(), 1);
}
