#!/usr/bin/env bash
# Verifies a file against its receipt with sha256sum, xxd, jq and curl: no Notarium, and no centre is asked.
# usage: bash examples/verify-by-hand.sh FILE RECEIPT RPC_URL CONTRACT
# RPC_URL and CONTRACT must come from a source that you trust, never from the receipt.
set -euo pipefail
file=$1 receipt=$2 rpc=$3 contract=$4

fail() { echo "NOT VALID: $1" >&2; exit 1; }
get() { jq -er "$1" "$receipt"; }
sha256() { xxd -r -p | sha256sum | cut -c1-64; } # hexadecimal in, hexadecimal out
word() { printf '%064x' "$1"; }                  # a number as 32 bytes

# The root that a leaf hash, its index, the tree's size and a path lead to (RFC 9162, section 2.1.3.2).
walk() {
  local hash=$1 fn=$2 sn=$(($3 - 1)) node
  for node in $4; do
    ((sn > 0)) || fail 'the path is too long'
    if ((fn % 2 == 1 || fn == sn)); then
      hash=$(printf '01%s%s' "$node" "$hash" | sha256)
      while ((fn % 2 == 0 && fn != 0)); do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
      hash=$(printf '01%s%s' "$hash" "$node" | sha256)
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
  done
  ((sn == 0)) || fail 'the path is too short'
  echo "$hash"
}

# 1. The file's digest; for a member of an aggregate, the root that its inner path leads to.
digest=$(sha256sum <"$file" | cut -c1-64)
entry=$(get .entry | base64 -d | xxd -p | tr -d '\n')
record=$(xxd -r -p <<<"$entry")
if get .inner >/dev/null; then
  [ "$(jq -r '.kind, .meta.count' <<<"$record" | xargs)" = "aggregate $(get .inner.treeSize)" ] || fail 'no such aggregate'
  inner_path=$(get '.inner.path | join(" ")')
  digest=$(walk "$(printf '00%s' "$digest" | sha256)" "$(get .inner.leafIndex)" "$(get .inner.treeSize)" "$inner_path")
elif [ "$(jq -r .kind <<<"$record")" = aggregate ]; then
  fail 'an aggregate proves a file only with an inner path'
fi
[ "$(jq -r .digest <<<"$record")" = "sha-256:$digest" ] || fail 'the record names another content'
echo "1. content    sha-256:$digest"

# 2. The entry's leaf hash leads to the root in the block header.
path=$(get '.proof.path | join(" ")')
leaf=$(printf '00%s' "$entry" | sha256)
root=$(walk "$leaf" "$(get .proof.leafIndex)" "$(get .block.treeSize)" "$path")
[ "0x$root" = "$(get .block.root)" ] || fail 'the entry is not in the log of that block'
echo "2. inclusion  entry $(get .proof.leafIndex) of $(get .block.treeSize), root 0x$root"

# 3. The block hash: keccak256(0x19 01 || domain || keccak256(type || header)); hashBlock(header) computes it for us.
header=$(word "$(get .block.height)")$(word "$(get .block.slot)")$(word "$(get .block.treeSize)")
header+=$(get .block.root | cut -c3-)$(get .block.parent | cut -c3-)
header+=$(word "$(get .block.epoch)")000000000000000000000000$(get .block.publisher | cut -c3-)
call() {
  jq -cn --arg to "$contract" --arg data "0x$1" \
    '{jsonrpc: "2.0", id: 1, method: "eth_call", params: [{to: $to, data: $data}, "latest"]}' |
    curl -sSf -H 'content-type: application/json' --data-binary @- "$rpc" | jq -er .result
}
hash=$(call "10c8b1d2$header") # hashBlock(header)

# 4. The one question that counts: what does the chain store at this height?
stored=$(call "c57ffb2d$(word "$(get .block.height)")") # blockHash(uint64)
[[ $stored =~ ^0x[0-9a-f]{64}$ && ! $stored =~ ^0x0*$ ]] || fail 'the chain has no block at that height'
[ "$hash" = "$stored" ] || fail 'the chain stores another block'
echo "3. chain      block $(get .block.height) is anchored with hash $stored"

# The same as steps 2 to 4 in one call: verifyEntry(header, entry, leafIndex, path).
size=$((${#entry} / 2)) padded=$entry
while ((${#padded} % 64 != 0)); do padded+=00; done
data="d4dc11e6$header$(word 320)$(word "$(get .proof.leafIndex)")$(word $((352 + ${#padded} / 2)))"
data+="$(word $size)$padded$(word "$(get '.proof.path | length')")${path// /}"
[ "$(call "$data")" = "0x$(word 1)" ] || fail 'the contract does not confirm the entry'
echo '4. contract   verifyEntry says so too'
echo "VALID: $(jq -r '"\(.submitter) stated it for \(.subject), claimed time \(.time)"' <<<"$record")"
