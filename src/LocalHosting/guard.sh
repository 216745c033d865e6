# Ends a platform's processes when its host is gone, however it went. Standard input is a pipe that only the host
# holds, so reading it ends when the host does. $1 is the mark that every process of this run carries in its environment.
trap '' HUP INT QUIT TERM
while read -r _; do :; done

# Processes with the mark, and what descends from them (PostgreSQL's children overwrite their environment).
ours() {
  found=$(grep -lzxF "$1" /proc/[0-9]*/environ 2>/dev/null | sed 's#/proc/\([0-9]*\)/.*#\1#')
  while [ -n "$found" ]; do
    alternatives=$(echo $found | tr ' ' '|')
    children=$(grep -lE "^PPid:[[:space:]]+($alternatives)\$" /proc/[0-9]*/status 2>/dev/null | sed 's#/proc/\([0-9]*\)/.*#\1#')
    all=$(printf '%s\n%s\n' "$found" "$children" | sort -un | sed '/^$/d')
    [ "$all" = "$(printf '%s\n' "$found" | sort -un)" ] && break
    found=$all
  done
  echo $found
}

# QUIT means "at once, but in order" to PostgreSQL, Erlang and .NET alike; what is left after a second is killed.
# Two empty looks in a row are needed, because a process that was just being started gets its mark a moment later.
looks=0
empty=0
while [ "$empty" -lt 2 ] && [ "$looks" -lt 300 ]; do
  pids=$(ours "$1")
  if [ -z "$pids" ]; then
    empty=$((empty + 1))
  else
    empty=0
    if [ "$looks" -eq 0 ]; then kill -QUIT $pids 2>/dev/null; fi
    if [ "$looks" -ge 8 ]; then kill -KILL $pids 2>/dev/null; fi
  fi
  looks=$((looks + 1))
  sleep 0.1
done
