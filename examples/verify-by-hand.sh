#!/usr/bin/env bash
# Verifies a file against its receipt with sha256sum, xxd, jq and curl: no Notarium, and no centre is asked.
# usage: bash examples/verify-by-hand.sh FILE RECEIPT RPC_URL CONTRACT
# RPC_URL and CONTRACT must come from a source that you trust, never from the receipt.
# Exit code 0: valid; 1: not valid; 2: it could not be verified.
set -euo pipefail

fail() { echo "NOT VALID: $1" >&2; exit 1; }
unable() { echo "NOT VERIFIED: $1" >&2; exit 2; }

(($# == 4)) || unable 'usage: bash examples/verify-by-hand.sh FILE RECEIPT RPC_URL CONTRACT'
file=$1 rpc=$3 contract=$4
[[ $contract =~ ^0x[0-9a-fA-F]{40}$ ]] || unable 'the contract is no address'
# Read once: all below is about the same text.
receipt=$(head -c 262145 <"$2" | tr -d '\0') || unable "cannot read $2"

# 0. The form. A receipt comes from anybody, and bash would run what stands in the place of a number: nothing of it is
#    used before it is known to be numbers, digits and base64. \A and \z are the ends of the text, line ends included.
jq -es '
  def uint: type == "number" and . == floor and . >= 0 and . <= 9007199254740991;
  def digits(n): type == "string" and test("\\A[0-9a-f]{\(n)}\\z");
  def hash(n): type == "string" and .[:2] == "0x" and (.[2:] | digits(n));
  def proof: type == "object" and (.leafIndex | uint) and (.treeSize | uint and . >= 1) and .leafIndex < .treeSize
    and (.path | type == "array" and length <= 64 and all(digits(64)));
  length == 1 and (.[0]
    | .format == "notarium-receipt/1"
    and (.entry | type == "string" and length <= 21848 and test("\\A[A-Za-z0-9+/]+={0,2}\\z"))
    and (.proof | proof) and .proof.treeSize == .block.treeSize
    and (.block | all(.height, .slot, .epoch; uint) and all(.root, .parent; hash(64)) and (.publisher | hash(40)))
    and (if has("inner") then .inner | proof else true end))
' <<<"$receipt" >/dev/null 2>&1 || fail 'this is no receipt'
get() { jq -r "$1" <<<"$receipt"; }
number() { get "$1 | floor"; }                   # 1.0 and 1e3 are numbers too, but not to bash
sha256() { xxd -r -p | sha256sum | cut -c1-64; } # hexadecimal in, hexadecimal out
word() { printf '%064x' "$1"; }                  # a number as 32 bytes

# The record, by the same rule.
entry=$(get .entry | base64 -d | xxd -p | tr -d '\n') || fail 'the entry is not base64'
record() { xxd -r -p <<<"$entry" | jq "$@"; }
record -es '
  length == 1 and (.[0]
    | (.kind, .subject | type == "string")
    and (.digest | type == "string" and test("\\Asha-256:[0-9a-f]{64}\\z"))
    and (.submitter | type == "string" and test("\\A0x[0-9a-f]{40}\\z"))
    and (.time | type == "string" and test("\\A[0-9TZ:.-]{24}\\z")))
' >/dev/null 2>&1 || fail 'the entry is no record'

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
digest=$(sha256sum <"$file" | cut -c1-64) || unable "cannot read $file"
kind=$(record -r .kind)
if [ "$(get 'has("inner")')" = true ]; then
  size=$(number .inner.treeSize)
  [ "$kind" = aggregate ] && [ "$(record '.meta.count | numbers')" = "$size" ] || fail 'no such aggregate'
  inner_path=$(get '.inner.path | join(" ")')
  digest=$(walk "$(printf '00%s' "$digest" | sha256)" "$(number .inner.leafIndex)" "$size" "$inner_path")
elif [ "$kind" = aggregate ]; then
  fail 'an aggregate proves a file only with an inner path'
fi
[ "$(record -r .digest)" = "sha-256:$digest" ] || fail 'the record names another content'
echo "1. content    sha-256:$digest"

# 2. The entry's leaf hash leads to the root in the block header.
path=$(get '.proof.path | join(" ")') index=$(number .proof.leafIndex) size=$(number .block.treeSize)
leaf=$(printf '00%s' "$entry" | sha256)
root=$(walk "$leaf" "$index" "$size" "$path")
[ "0x$root" = "$(get .block.root)" ] || fail 'the entry is not in the log of that block'
echo "2. inclusion  entry $index of $size, root 0x$root"

# 3. The block hash: keccak256(0x19 01 || domain || keccak256(type || header)); hashBlock(header) computes it for us.
height=$(number .block.height)
header=$(word "$height")$(word "$(number .block.slot)")$(word "$size")
header+=$(get '.block.root[2:]')$(get '.block.parent[2:]')
header+=$(word "$(number .block.epoch)")000000000000000000000000$(get '.block.publisher[2:]')
call() {
  jq -cn --arg to "$contract" --arg data "0x$1" \
    '{jsonrpc: "2.0", id: 1, method: "eth_call", params: [{to: $to, data: $data}, "latest"]}' |
    curl -sSf -H 'content-type: application/json' --data-binary @- --url "$rpc" |
    jq -er '.result | select(type == "string" and test("\\A0x[0-9a-f]{64}\\z"))' ||
    unable 'the RPC gave no answer of this contract'
}
hash=$(call "10c8b1d2$header") # hashBlock(header)

# 4. The one question that counts: what does the chain store at this height?
stored=$(call "c57ffb2d$(word "$height")") # blockHash(uint64)
[[ ! $stored =~ ^0x0*$ ]] || fail 'the chain has no block at that height'
[ "$hash" = "$stored" ] || fail 'the chain stores another block'
echo "3. chain      block $height is anchored with hash $stored"

# The same as steps 2 to 4 in one call: verifyEntry(header, entry, leafIndex, path).
bytes=$((${#entry} / 2)) padded=$entry
while ((${#padded} % 64 != 0)); do padded+=00; done
data="d4dc11e6$header$(word 320)$(word "$index")$(word $((352 + ${#padded} / 2)))"
data+="$(word $bytes)$padded$(word "$(get '.proof.path | length')")${path// /}"
confirmed=$(call "$data")
[ "$confirmed" = "0x$(word 1)" ] || fail 'the contract does not confirm the entry'
echo '4. contract   verifyEntry says so too'
# The subject is text of a stranger: in ASCII with escapes it moves no cursor and hides nothing.
echo "VALID: $(record -r .submitter) stated it for $(record -a .subject), claimed time $(record -r .time)"
