/**
 * What may stand at the end of a line that is being typed.
 * @param {{ commands: Record<string, { words: string[], options: string[], hidden?: string[], takesFiles: boolean }> }} index
 * @param {readonly string[]} words what stands behind `affiant`, the unfinished word last
 * @returns {string[]} nothing means that the shell offers file names
 */
export function candidates(index, words) {
  const typed = words.at(-1) ?? "";
  let path = [];
  for (const word of words.slice(0, -1)) {
    if (word === "--") return [];
    if (Object.hasOwn(index.commands, [...path, word].join(" "))) path = [...path, word];
  }
  const { words: inner, options } = index.commands[path.join(" ")];
  const offered = typed.startsWith("-") ? options : inner;
  return offered.filter((word) => word.startsWith(typed));
}

const bash = `_affiant() {
  local IFS=$'\\n'
  COMPREPLY=($(affiant __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o bashdefault -F _affiant affiant
`;

const zsh = `#compdef affiant
_affiant() {
  local -a found
  found=("\${(@f)$(affiant __complete "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _affiant affiant
`;

const fish = `function __affiant_complete
  set -l words (commandline -opc) (commandline -ct)
  affiant __complete $words[2..-1] 2>/dev/null
end
complete -c affiant -a '(__affiant_complete)'
`;

/** @param {string} shell @returns {string | undefined} */
export function completionScript(shell) {
  return { bash, zsh, fish }[shell];
}
