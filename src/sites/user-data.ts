import { quoted } from "./ssh/scripts.ts";

interface Boot {
  urls: readonly string[];
  token: string;
  /** Words for the agent. */
  agentArgs?: readonly string[];
  /** The agent goes on when the script has ended: it is run by something that waits for that, as cloud-init does. */
  isDetached?: boolean;
}

/**
 * A script that makes a machine of a computer which has nothing of Canopy and can reach it: for cloud-init,
 * or any first command. It needs a POSIX shell, tar, gzip, and one of curl, wget and Python, which cloud-init brings. Tried
 * again for as long as the cloud is away. The token is good once.
 */
export function bootScript({ urls, token, agentArgs = [], isDetached = false }: Boot): string {
  const args = ["--url", urls.join(","), ...agentArgs].map(quoted).join(" ");
  const agent = `"$node" program/agent.js ${args} --folder "$folder/agent" "$@"`;
  return `#!/bin/sh
folder=\${CANOPY_FOLDER:-/var/lib/canopy}
mkdir -p "$folder/program" && chmod 700 "$folder" && cd "$folder" || exit 1
get() {
  curl -fsSL --connect-timeout 10 "$1" 2>/dev/null || wget -qO- "$1" 2>/dev/null ||
    python3 -c 'import shutil, sys, urllib.request as web; shutil.copyfileobj(web.urlopen(sys.argv[1], timeout=60), sys.stdout.buffer)' "$1" 2>/dev/null
}
fetch() {
  for url in ${urls.map(quoted).join(" ")}; do
    get "$url/v1/agent/$1" > "$1" && gzip -t "$1" 2>/dev/null && return 0
  done
  return 1
}
until fetch agent.tar.gz; do sleep 3; done
tar -xzf agent.tar.gz -C program
node=$(command -v node)
[ "$("\${node:-false}" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 26 ] || {
  node=$folder/node
  until fetch node.gz; do sleep 3; done
  gunzip -c node.gz > "$node" && chmod 755 "$node" && rm node.gz
  # Some systems lack a library that Node needs: it comes with the agent.
  "$node" --version >/dev/null 2>&1 || export LD_LIBRARY_PATH=$folder/program/lib
}
export CANOPY_JOIN_TOKEN=${quoted(token)}
${isDetached ? `(trap '' HUP; exec ${agent}) < /dev/null >> agent.log 2>&1 &` : `exec ${agent} >> agent.log 2>&1`}
`;
}
