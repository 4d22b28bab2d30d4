# Words of every inspection. Only reads.

# data NAME JSON: Docker's own JSON, in one line.
data() { printf '{"result":"%s","data":%s}\n' "$1" "$(tr -d '\n')"; }

# text_data NAME: lines of plain text.
text_data() { printf '{"result":"%s","data":"%s"}\n' "$1" "$(json_text)"; }

print_path() {
  kind=missing
  if [ -d "$1" ]; then kind=folder; elif [ -f "$1" ]; then kind="file"; elif [ -e "$1" ]; then kind=special; fi
  result path "\"path\":$(quoted "$1"),\"kind\":\"$kind\""
}
