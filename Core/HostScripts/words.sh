# Small words of the workload's and the data's scripts.

# refuse CODE TEXT: why a step cannot be done.
refuse() {
  echo "$2"
  return "$1"
}

result() { printf '{"result":"%s",%s}\n' "$1" "$2"; }

quoted() { printf '"%s"' "$(printf '%s' "$1" | json_text)"; }
