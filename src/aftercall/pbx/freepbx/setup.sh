#!/bin/bash
# Prepares this FreePBX so that Aftercall may read its recordings. Read it first, then run it as root on the PBX:
#
#   bash aftercall-setup.sh --dry-run    says what it would do and changes nothing
#   bash aftercall-setup.sh              does it; a second run finds nothing left to do
#   bash aftercall-setup.sh --undo       puts back everything it changed
#
# It changes these things and nothing else:
#   * FreePBX settings: HTTPENABLED and ENABLE_ARI on; HTTPTLSENABLE on (with TLS); HTTPBINDADDRESS (only if you asked
#     for it); ARI_ALLOWED_ORIGINS (only if it is *, which lets every web page try its luck)
#   * ari_additional_custom.conf: one marked block with one read-only ARI user
#   * the folder "recording" of Asterisk, which shall show the recordings: a read-only mount with its lines in
#     /etc/fstab (and in /etc/cron.d where `mount` is older than 2.27), or a link
#   * the FreePBX firewall, if it is on: the address of the Aftercall server goes into the zone Other
# Then it runs `fwconsole reload`, which also applies what was changed in FreePBX's pages and not applied yet.
#
# It holds no password, only a hash of one. Old values and copies of changed files go to /var/lib/aftercall-setup.
# The AFTERCALL_... variables below are for tests and for unusual installations.
set -euo pipefail
umask 077
export LC_ALL=C
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/var/lib/asterisk/bin"

# ---- the answers it was made from ----
@ANSWERS@
# ---- nothing below depends on them ----

UNDO=no
DRY=no
CHANGES=0
TOLD=no
STAMP=$(date +%Y%m%d-%H%M%S)-$$

say() { printf '%s\n' "$*"; }
already() { say "  = $*"; }
fail() {
  TOLD=yes
  printf 'STOPPED: %s\n' "$1" >&2
  shift
  if [ $# -gt 0 ]; then printf '         %s\n' "$@" >&2; fi
  exit 1
}
# Announces a change; true if it is to be made now.
will() {
  CHANGES=$((CHANGES + 1))
  if [ "$DRY" = yes ]; then
    say "  ? would: $*"
    return 1
  fi
  say "  + $*"
}
at_exit() {
  if [ "$1" -ne 0 ] && [ "$TOLD" = no ]; then
    printf 'STOPPED: the last step failed. What was done until here can be put back with: bash %s --undo\n' "$0" >&2
  fi
}
trap 'at_exit $?' EXIT

usage() {
  TOLD=yes
  say "usage: bash $0 [--dry-run] [--undo]"
  exit 2
}

# ---- FreePBX's settings ----

# Prints the value of a setting; booleans as 0 or 1. False if FreePBX does not know it.
setting_of() {
  local line value
  line=$(fwconsole setting "$1" 2>/dev/null </dev/null | tr -d '\r' | grep -F "\"$1\"" | tail -n 1) || return 1
  case "$line" in
    *')['*']') ;;
    *) return 1 ;;
  esac
  value=${line#*')['}
  value=${value%']'}
  case "$line" in
    *'(bool)['*) if [ "$value" = true ] || [ "$value" = 1 ]; then value=1; else value=0; fi ;;
  esac
  printf '%s\n' "$value"
}

set_setting() { # KEY VALUE REASON
  local old
  old=$(setting_of "$1") || fail "FreePBX does not tell its setting $1."
  if [ "$old" = "$2" ]; then
    already "$1 is $2 already"
    return 0
  fi
  if will "$1: $2 instead of ${old:-nothing} ($3)"; then
    # The first value seen is the one to go back to, however often this runs.
    if [ -f "$STATE/settings/$1" ]; then old=$(head -n 1 "$STATE/settings/$1"); fi
    printf '%s\n%s\n' "$old" "$2" >"$STATE/settings/$1"
    touch "$STATE/reload-needed"
    fwconsole setting "$1" "$2" >/dev/null </dev/null
    [ "$(setting_of "$1")" = "$2" ] || fail "FreePBX did not take $1 = $2."
  fi
}

undo_settings() {
  local file key old ours now
  for file in "$STATE"/settings/*; do
    [ -f "$file" ] || continue
    key=$(basename "$file")
    old=$(sed -n 1p "$file")
    ours=$(sed -n 2p "$file")
    now=$(setting_of "$key") || fail "FreePBX does not tell its setting $key."
    if [ "$now" = "$old" ]; then
      already "$key is ${old:-empty} again"
    elif [ "$now" != "$ours" ]; then
      already "$key was changed since by somebody else (now $now) and stays"
    elif will "$key: ${old:-empty} again"; then
      touch "$STATE/reload-needed"
      fwconsole setting "$key" "$old" >/dev/null </dev/null
    fi
  done
}

# ---- files ----

without_block() { # FILE BEGIN END
  awk -v begin="$2" -v end="$3" '
    $0 == begin { inside = 1; next }
    $0 == end && inside { inside = 0; next }
    !inside' "$1"
}

block_of() { # FILE BEGIN END
  awk -v begin="$2" -v end="$3" '
    $0 == begin { inside = 1 }
    inside
    $0 == end { inside = 0 }' "$1"
}

# Puts the text of stdin into a file as a marked block, once.
put_block() { # NAME FILE BEGIN END MODE WORDS; a new file gets the owner of its folder
  local name=$1 file=$2 begin=$3 end=$4 mode=$5 wanted kept
  wanted=$(printf '%s\n' "$begin" && cat && printf '%s\n' "$end")
  if [ -f "$file" ]; then
    [ "$(grep -cxF -e "$begin" "$file")" = "$(grep -cxF -e "$end" "$file")" ] ||
      fail "$file holds one of our marks without the other." "Take the lines between and with them out by hand, then run this again."
    if [ "$(block_of "$file" "$begin" "$end")" = "$wanted" ]; then
      already "$file holds our lines already"
      return 0
    fi
  fi
  will "$file: $6" || return 0
  # Before the change, so that a run that is cut off here is made up for by the next.
  if [ "$name" = ari ]; then touch "$STATE/reload-needed"; fi
  mkdir -p "$STATE/backups/$STAMP"
  if [ -f "$file" ]; then cp -p "$file" "$STATE/backups/$STAMP/$name"; fi
  if [ ! -e "$STATE/files/$name.path" ]; then
    if [ -f "$file" ]; then cp -p "$file" "$STATE/files/$name.before"; fi
    printf '%s\n' "$file" >"$STATE/files/$name.path"
    printf '%s\n%s\n' "$begin" "$end" >"$STATE/files/$name.marks"
  fi
  kept="$STATE/files/$name.new"
  if [ -f "$file" ]; then without_block "$file" "$begin" "$end" >"$kept"; else : >"$kept"; fi
  printf '%s\n' "$wanted" >>"$kept"
  if [ ! -f "$file" ]; then
    : >"$file"
    chown --reference="$(dirname "$file")" "$file"
    chmod "$mode" "$file"
  fi
  # Written in place: owner, mode and SELinux label stay.
  cp "$kept" "$STATE/files/$name.after"
  cat "$kept" >"$file"
  rm -f "$kept"
}

undo_file() { # NAME
  local base="$STATE/files/$1" file begin end
  [ -f "$base.path" ] || return 0
  file=$(cat "$base.path")
  if [ ! -f "$file" ]; then
    already "$file is gone already"
  elif [ -f "$base.before" ] && cmp -s "$file" "$base.before"; then
    already "$file is as it was"
  elif [ -f "$base.after" ] && cmp -s "$file" "$base.after"; then
    if [ -f "$base.before" ]; then
      if will "$file: exactly as before"; then cat "$base.before" >"$file"; fi
    elif will "$file: removed, it was not there before"; then
      rm -f "$file"
    fi
  elif will "$file: only our lines taken out, since somebody changed it meanwhile"; then
    begin=$(sed -n 1p "$base.marks")
    end=$(sed -n 2p "$base.marks")
    without_block "$file" "$begin" "$end" >"$base.new"
    cat "$base.new" >"$file"
    rm -f "$base.new"
  fi
}

# ---- the folder in which ARI looks for recordings ----

is_shown() { [ "$LINK" -ef "$RECORDINGS" ]; }
is_mounted() { awk -v at="$LINK" '$5 == at { found = 1 } END { exit !found }' /proc/self/mountinfo; }
is_read_only() {
  awk -v at="$LINK" '$5 == at { found = ("," $6 ",") ~ /,ro,/ } END { exit !found }' /proc/self/mountinfo
}
is_old_mount() {
  local version major minor
  version=$(mount -V 2>/dev/null | sed -n 's/.*util-linux \([0-9]*\.[0-9]*\).*/\1/p')
  [ -n "$version" ] || return 1
  major=${version%%.*}
  minor=${version#*.}
  [ "$major" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt 27 ]; }
}

move_aside() {
  local aside="$LINK.before-aftercall-$STAMP"
  if will "$LINK: kept as $aside"; then
    printf '%s\n' "$aside" >"$STATE/folder/moved"
    mv -T "$LINK" "$aside"
  fi
}

make_link() {
  if [ -e "$LINK" ] || [ -L "$LINK" ]; then move_aside; fi
  if will "$LINK: a link to $RECORDINGS"; then
    touch "$STATE/folder/linked"
    ln -s "$RECORDINGS" "$LINK"
  fi
}

make_mount() {
  if [ -L "$LINK" ] || { [ -e "$LINK" ] && [ -n "$(ls -A "$LINK" 2>/dev/null)" ]; }; then
    if [ -d "$LINK" ] && [ ! -L "$LINK" ]; then
      say "    ! Something keeps files of its own in $LINK: another program that records through ARI?"
      say "      It cannot write there any more. If you miss it, run --undo and take the link instead of the mount."
    fi
    move_aside
  fi
  if will "$LINK: shows $RECORDINGS, read-only (a bind mount)"; then
    if [ ! -d "$LINK" ]; then
      touch "$STATE/folder/made"
      mkdir "$LINK"
      chown --reference="$RECORDINGS" "$LINK"
      chmod 755 "$LINK"
    fi
    touch "$STATE/folder/mounted"
    if ! mount --bind "$RECORDINGS" "$LINK" || ! is_shown; then
      say "    ! This machine does not let us mount (a container?): a link does the same, without the write protection."
      undo_mount
      make_link
      return 0
    fi
    if ! is_read_only && ! mount -o remount,bind,ro "$LINK"; then
      say "    ! It could not be made read-only."
    fi
  fi
  keep_mount
}

# Makes the mount come back after a restart; `nofail`, so that the PBX starts without it too.
keep_mount() {
  if grep -qE "^[^#]*[[:space:]]${LINK}[[:space:]]" "$FSTAB" && [ -z "$(block_of "$FSTAB" "$FSTAB_BEGIN" "$FSTAB_END")" ]; then
    already "$FSTAB has a line for $LINK already"
    return 0
  fi
  put_block fstab "$FSTAB" "$FSTAB_BEGIN" "$FSTAB_END" 644 "a line that mounts it again after a restart" <<EOF
$RECORDINGS $LINK none bind,ro,nofail 0 0
EOF
  if is_old_mount; then
    put_block cron "$CRON/aftercall-recordings" "$FSTAB_BEGIN" "$FSTAB_END" 644 \
      "makes it read-only after a restart, which this old mount does not do by itself" <<EOF
@reboot root mount -o remount,bind,ro $LINK
EOF
  fi
}

undo_mount() {
  if [ -e "$STATE/folder/mounted" ] && is_mounted; then
    if will "$LINK: the mount is taken away"; then umount "$LINK" || umount -l "$LINK"; fi
  fi
  if [ -e "$STATE/folder/made" ] && [ -d "$LINK" ] && [ ! -L "$LINK" ]; then
    if will "$LINK: the empty folder is removed"; then rmdir "$LINK"; fi
  fi
  if [ "$DRY" = no ]; then rm -f "$STATE/folder/mounted" "$STATE/folder/made"; fi
}

show_recordings() {
  if is_shown && [ "$FOLDER" = link ]; then
    already "$LINK shows $RECORDINGS already"
  elif is_shown && is_read_only; then
    already "$LINK shows $RECORDINGS already, read-only"
    keep_mount
  elif is_shown && is_mounted; then
    if will "$LINK: read-only from now on"; then mount -o remount,bind,ro "$LINK"; fi
    keep_mount
  elif is_shown && [ -e "$STATE/folder/linked" ]; then
    already "$LINK shows $RECORDINGS already (a link, because mounting failed)"
  elif [ -d "$LINK" ] && is_mounted; then
    fail "$LINK is the mount of something else." "Look at it with: findmnt $LINK"
  elif [ "$FOLDER" = link ]; then
    make_link
  else
    make_mount
  fi
}

undo_folder() {
  local aside
  if [ -e "$STATE/folder/linked" ] && [ -L "$LINK" ]; then
    if will "$LINK: the link is taken away"; then rm -f "$LINK"; fi
  fi
  undo_mount
  if [ -f "$STATE/folder/moved" ]; then
    aside=$(cat "$STATE/folder/moved")
    if [ "$DRY" = no ] && { [ -e "$LINK" ] || [ -L "$LINK" ]; }; then
      say "  ! $LINK exists; what was there before stays in $aside"
    elif [ -e "$aside" ] || [ -L "$aside" ]; then
      if will "$LINK: what was there before is back"; then mv -T "$aside" "$LINK"; fi
    fi
  fi
}

# ---- the firewall ----

firewall_is_on() { [ -e "$ETC/firewall.enabled" ] || pgrep -f voipfirewalld >/dev/null 2>&1; }

zone_of() { # NETWORK
  local zone
  for zone in trusted internal other external; do
    if fwconsole firewall list "$zone" 2>/dev/null </dev/null | awk '{ $1 = $1; print }' | grep -xF -e "$1" >/dev/null; then
      printf '%s\n' "$zone"
      return 0
    fi
  done
  printf 'none\n'
}

let_in() {
  local zone
  if ! firewall_is_on; then
    already "FreePBX's firewall is not on here: nothing to open"
    say "    If another firewall stands in between, let $SERVER reach TCP port $PORT."
    return 0
  fi
  zone=$(zone_of "$SERVER")
  case "$zone" in
    trusted | internal)
      already "$SERVER is in the zone $zone already, which may reach port $PORT"
      return 0
      ;;
    other) already "$SERVER is in the zone Other already" ;;
    *)
      if will "firewall: $SERVER into the zone Other"; then
        printf '%s\n%s\n' "$SERVER" "$zone" >"$STATE/firewall"
        fwconsole firewall add other "$SERVER" >/dev/null </dev/null
        [ "$(zone_of "$SERVER")" = other ] || fail "The firewall did not take $SERVER into the zone Other."
      fi
      ;;
  esac
  say "    ONE STEP IS YOURS, since only FreePBX's pages can do it: Connectivity > Firewall > Services > Custom Services:"
  say "    add a service named Aftercall, protocol TCP, port $PORT, and tick the zone Other (only that one)."
}

undo_firewall() {
  local network zone
  [ -f "$STATE/firewall" ] || return 0
  network=$(sed -n 1p "$STATE/firewall")
  zone=$(sed -n 2p "$STATE/firewall")
  if [ "$(zone_of "$network")" != other ]; then
    already "$network is not in the zone Other any more"
  elif will "firewall: $network out of the zone Other"; then
    fwconsole firewall del other "$network" >/dev/null </dev/null
    if [ "$zone" != none ]; then fwconsole firewall add "$zone" "$network" >/dev/null </dev/null; fi
  fi
  say "    If you added the custom service Aftercall in Firewall > Services, take it out there too."
}

# ---- before anything is changed ----

look_around() {
  local program known where
  [ "$(id -u)" -eq 0 ] || fail "This must run as root on the PBX." "Try: sudo bash $0"
  for program in fwconsole asterisk awk grep sed cmp; do
    command -v "$program" >/dev/null 2>&1 ||
      fail "There is no $program here." "This script is for a FreePBX 15, 16 or 17: run it on the PBX itself."
  done
  say "Asking FreePBX about its settings (a few seconds)"
  # In FreePBX before 15, asking for a setting would empty it: make sure that this one can be asked.
  fwconsole setting --help 2>/dev/null </dev/null | grep -e '--list' >/dev/null ||
    fail "This FreePBX is older than 15 (its fwconsole cannot tell settings)."
  known=$(setting_of ASTETCDIR || true)
  ETC=${AFTERCALL_ETC:-${known:-/etc/asterisk}}
  known=$(setting_of ASTSPOOLDIR || true)
  SPOOL=${AFTERCALL_SPOOL:-${known:-/var/spool/asterisk}}
  [ -d "$ETC" ] || fail "There is no folder $ETC: is Asterisk installed here?"
  [ -d "$SPOOL" ] || fail "There is no folder $SPOOL: is Asterisk installed here?"
  SPOOL=$(cd "$SPOOL" && pwd -P)
  FSTAB=${AFTERCALL_FSTAB:-/etc/fstab}
  CRON=${AFTERCALL_CRON:-/etc/cron.d}
  STATE=${AFTERCALL_STATE:-/var/lib/aftercall-setup}/$USERNAME
  LINK=$SPOOL/recording
  CUSTOM=$ETC/ari_additional_custom.conf
  ARI_BEGIN="; BEGIN Aftercall: the user $USERNAME, made by Aftercall's setup script, taken out by its --undo"
  ARI_END="; END Aftercall: the user $USERNAME"
  FSTAB_BEGIN="# BEGIN Aftercall: recordings for ARI, made by Aftercall's setup script, taken out by its --undo"
  FSTAB_END="# END Aftercall: recordings for ARI"
  PORT=$(setting_of HTTPBINDPORT || echo 8088)
  if [ "$CONNECTION" = tls ]; then PORT=$(setting_of HTTPTLSBINDPORT || echo 8089); fi
  PREFIX=$(setting_of HTTPPREFIX || true)
  [ "$UNDO" = no ] || return 0

  where=$(setting_of MIXMON_DIR || true)
  where=${where%/}
  if [ -z "$RECORDINGS" ]; then
    RECORDINGS=${where:-$SPOOL/monitor}
  elif [ "$RECORDINGS" != "${where:-$SPOOL/monitor}" ]; then
    say "    ! FreePBX records into ${where:-$SPOOL/monitor}, you asked for $RECORDINGS: yours is taken."
  fi
  [ -d "$RECORDINGS" ] || fail "There is no folder $RECORDINGS." "Is call recording switched on, and was a call recorded yet?"
  case "$RECORDINGS/" in
    "$LINK"/*) fail "FreePBX records into $LINK itself: there is nothing to mount or to link, ARI sees it already." ;;
  esac
  case "$RECORDINGS" in
    *[!A-Za-z0-9._/@+-]*)
      [ "$FOLDER" = link ] || fail "$RECORDINGS has a sign in its name that /etc/fstab does not take." "Make this script again and choose the link."
      ;;
  esac

  grep -qs 'ari_additional_custom.conf' "$ETC/ari.conf" ||
    fail "$ETC/ari.conf does not read ari_additional_custom.conf: it is not FreePBX's own any more." \
      "Put FreePBX's file back: fwconsole ma downloadinstall arimanager && fwconsole reload"
  if where=$(grep -nsE '^[[:space:]]*recording_directory' "$ETC"/ari*.conf); then
    fail "A recording_directory line is in the way. Asterisk has no such option, and it switches ARI off:" "$where" \
      "Delete that line, then run this again."
  fi
  if where=$(grep -nsE '^[[:space:]]*\[general\]' "$ETC"/ari_*.conf); then
    fail "A second [general] is in the way. Asterisk 20.15 and later switch ARI off for it:" "$where" \
      "Delete that line (what follows it belongs into ari_general_custom.conf, without a header), then run this again."
  fi
  for where in ari.conf ari_general_additional.conf ari_general_custom.conf ari_additional.conf ari_additional_custom.conf; do
    where=$ETC/$where
    [ -f "$where" ] || continue
    if without_block "$where" "$ARI_BEGIN" "$ARI_END" |
      grep -iE "^[[:space:]]*\[[[:space:]]*${USERNAME}[[:space:]]*\]" >/dev/null; then
      fail "There is an ARI user $USERNAME already, in $where." \
        "Delete it in FreePBX (Settings > Asterisk REST Interface Users), or choose another name in Aftercall."
    fi
  done
  if [ "$CONNECTION" = tls ]; then
    CERTIFICATE=$(setting_of HTTPTLSCERTFILE || true)
    if [ -z "$CERTIFICATE" ] || [ ! -s "$CERTIFICATE" ]; then
      fail "Asterisk's HTTP server has no certificate yet, so TLS cannot be switched on." \
        "In FreePBX: Admin > Certificate Management: make or import one, and make it the default (the tick mark)." \
        "In a shell: fwconsole certificates --list, then fwconsole certificates --default=<its number>"
    fi
  fi
}

# ---- after everything is changed ----

reload() {
  [ -e "$STATE/reload-needed" ] || return 0
  [ "$DRY" = no ] || return 0
  say "  + fwconsole reload (this takes a moment)"
  if ! fwconsole reload >"$STATE/reload.log" 2>&1 </dev/null; then
    tail -n 5 "$STATE/reload.log" >&2
    fail "fwconsole reload failed; all it said is in $STATE/reload.log." "Mend that and run this again, or put things back with --undo."
  fi
  rm -f "$STATE/reload-needed"
}

http_answer() {
  local host base=http
  if [ "$CONNECTION" = tls ]; then
    base=https
    host=$(setting_of HTTPTLSBINDADDRESS || true)
  else
    host=$(setting_of HTTPBINDADDRESS || true)
  fi
  case "$host" in
    '' | '::' | 0.0.0.0 | '[::]') host=127.0.0.1 ;;
    *:*) host="[$host]" ;;
  esac
  # -k: this asks our own machine; whether the certificate is trusted is for Aftercall to find out.
  curl -k -s -o /dev/null -m 5 -w '%{http_code}' "$base://$host:$PORT${PREFIX:+/$PREFIX}/ari/recordings/stored" 2>/dev/null || true
}

wrong() {
  BAD=$((BAD + 1))
  say "  x $*"
}

check_result() {
  local status users answer tries=0 litter
  BAD=0
  say "Looking at the result"
  status=$(asterisk -rx 'http show status' 2>/dev/null </dev/null || true)
  users=$(asterisk -rx 'ari show users' 2>/dev/null </dev/null || true)
  if [ "$CONNECTION" = tls ]; then
    if grep -q '^HTTPS Server Enabled' <<<"$status"; then already "Asterisk's HTTP server answers with TLS"; else wrong "Asterisk's HTTP server does not offer TLS: asterisk -rx \"http show status\""; fi
  else
    if grep -q '^Server Enabled' <<<"$status"; then already "Asterisk's HTTP server is on"; else wrong "Asterisk's HTTP server is off: asterisk -rx \"http show status\""; fi
  fi
  if awk -v name="$USERNAME" '$1 == "Yes" && $NF == name { found = 1 } END { exit !found }' <<<"$users"; then
    already "Asterisk knows the ARI user $USERNAME, read-only"
  else
    wrong "Asterisk does not list $USERNAME as a read-only ARI user: asterisk -rx \"ari show users\""
  fi
  if command -v curl >/dev/null 2>&1; then
    answer=$(http_answer)
    while [ "$answer" != 401 ] && [ "$tries" -lt 10 ]; do
      sleep 1
      tries=$((tries + 1))
      answer=$(http_answer)
    done
    case "$answer" in
      401) already "ARI is there and asks for a password (401 without one)" ;;
      404) wrong "ARI is not there (404): is ENABLE_ARI on, and what does /var/log/asterisk/full say about ari.conf?" ;;
      000 | '') wrong "Nothing answers on port $PORT of this machine" ;;
      *) wrong "ARI answered $answer instead of 401" ;;
    esac
  fi
  # Links to nothing are printed, loops are complained about.
  litter=$(find -L "$RECORDINGS" -type l 2>&1 | grep -v 'No such file' | head -n 3 || true)
  if [ -n "$litter" ]; then
    wrong "A broken link or a loop among the recordings makes ARI's whole list fail. Remove it:"
    say "      ${litter//$'\n'/$'\n'      }"
  fi
  if [ "$FOLDER" = mount ] && is_mounted && [ "$(find "$RECORDINGS" -type f 2>/dev/null | head -n 20001 | wc -l)" -gt 20000 ]; then
    say "  ! More than 20,000 recordings: fwconsole chown, a part of fwconsole start, goes through the mount as well and"
    say "    reports that it may not change it. If that slows your PBX down, run --undo and take the link instead."
  fi
}

tell_the_rest() {
  say ""
  say "In Aftercall, Settings > FreePBX:"
  if [ "$CONNECTION" = tunnel ]; then
    say "  Host and port    the Aftercall end of your SSH tunnel (it leads to 127.0.0.1:$PORT here); no TLS needed inside it"
  else
    say "  Host             $HOST"
    say "  Port             $PORT ($([ "$CONNECTION" = tls ] && echo 'tick Use TLS' || echo 'without TLS'))"
  fi
  say "  Username         $USERNAME"
  say "  Password         the one that Aftercall showed when it made this script"
  if [ -n "$PREFIX" ]; then say "  HTTP prefix      $PREFIX"; fi
  if [ "$CONNECTION" = tls ] && command -v openssl >/dev/null 2>&1; then
    say "  Certificate      $(openssl x509 -noout -fingerprint -sha256 -in "$CERTIFICATE" 2>/dev/null || echo "$CERTIFICATE")"
  fi
  say "Then press Test connection. That is the real proof: this script does not know the password, so it cannot sign in."
}

set_up() {
  look_around
  if [ "$DRY" = no ]; then mkdir -p "$STATE/settings" "$STATE/files" "$STATE/folder"; fi
  say "FreePBX settings"
  set_setting HTTPENABLED 1 "Asterisk's HTTP server, which carries ARI"
  set_setting ENABLE_ARI 1 "the Asterisk REST Interface"
  if [ "$CONNECTION" = tls ]; then set_setting HTTPTLSENABLE 1 "nobody on the way can read along"; fi
  if [ "$CLOSE_PLAIN" = yes ]; then set_setting HTTPBINDADDRESS 127.0.0.1 "the unencrypted port is for this machine only"; fi
  if [ "$(setting_of ARI_ALLOWED_ORIGINS || true)" = '*' ]; then
    set_setting ARI_ALLOWED_ORIGINS localhost:8088 "web pages have no business with ARI; Aftercall is none"
  fi
  say "ARI user"
  put_block ari "$CUSTOM" "$ARI_BEGIN" "$ARI_END" 640 "the ARI user $USERNAME, read-only" <<EOF
[$USERNAME]
type=user
read_only=yes
password_format=crypt
password=$PASSWORD_HASH
EOF
  say "Recordings"
  show_recordings
  if [ "$CONNECTION" != tunnel ]; then
    say "Firewall"
    let_in
  fi
  reload
  if [ "$DRY" = yes ]; then
    say ""
    say "Nothing was changed. Without --dry-run, $CHANGES things would be."
    return 0
  fi
  check_result
  say ""
  if [ "$BAD" -gt 0 ]; then fail "$BAD things above are not right yet." "Put everything back with: bash $0 --undo"; fi
  if [ "$CHANGES" -eq 0 ]; then say "Nothing was changed: everything was right already."; else say "$CHANGES things were changed. bash $0 --undo puts them back."; fi
  tell_the_rest
}

put_back() {
  look_around
  if [ ! -d "$STATE/settings" ]; then
    say "There is nothing to put back: $STATE holds no notes of changes."
    return 0
  fi
  say "Firewall"
  undo_firewall
  say "Recordings"
  undo_folder
  undo_file cron
  undo_file fstab
  say "ARI user"
  if [ -f "$STATE/files/ari.path" ] && [ "$DRY" = no ]; then touch "$STATE/reload-needed"; fi
  undo_file ari
  say "FreePBX settings"
  undo_settings
  reload
  if [ "$DRY" = yes ]; then
    say "Nothing was changed. Without --dry-run, $CHANGES things would be put back."
    return 0
  fi
  rm -rf "$STATE/settings" "$STATE/files" "$STATE/folder" "$STATE/firewall" "$STATE/reload.log"
  say "$CHANGES things were put back. Copies of the changed files stay in $STATE/backups."
}

while [ $# -gt 0 ]; do
  case "$1" in
    --undo) UNDO=yes ;;
    --dry-run) DRY=yes ;;
    *) usage ;;
  esac
  shift
done
if [ "$UNDO" = yes ]; then put_back; else set_up; fi
