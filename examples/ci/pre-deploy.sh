#!/bin/sh
# Goes on only if the gate allows it: pre-deploy.sh VERSION ENVIRONMENT [COMMAND...]
#
# Runs COMMAND if the gate says allow, and ends as it does. Whatever else happens (deny, needs review, unknown, no
# server, no credential) it does not run COMMAND, and ends with the exit code of `comptroller`, which is not 0.
#
# COMPTROLLER_URL says where the server is. The credential is, in this order: COMPTROLLER_TOKEN, COMPTROLLER_TOKEN_FILE,
# or the workload token in the file COMPTROLLER_SUBJECT_TOKEN_FILE, which is changed for a token of ten minutes
# (COMPTROLLER_ACCOUNT names the service account, if there are several).
set -eu

if [ "$#" -lt 2 ]; then
  echo "usage: pre-deploy.sh VERSION ENVIRONMENT [COMMAND...]" >&2
  exit 5
fi
version=$1
environment=$2
shift 2

refuse() {
  echo "pre-deploy: $version does not go to $environment: $1" >&2
  exit "$2"
}

if [ -z "${COMPTROLLER_TOKEN:-}" ] && [ -z "${COMPTROLLER_TOKEN_FILE:-}" ]; then
  if [ -z "${COMPTROLLER_SUBJECT_TOKEN_FILE:-}" ]; then
    refuse "no credential; set COMPTROLLER_TOKEN_FILE or COMPTROLLER_SUBJECT_TOKEN_FILE" 6
  fi
  answer=$(
    comptroller workload exchange --subject-token "$COMPTROLLER_SUBJECT_TOKEN_FILE" \
      ${COMPTROLLER_ACCOUNT:+--account="$COMPTROLLER_ACCOUNT"} --format json
  ) || refuse "the workload token was not accepted" "$?"
  COMPTROLLER_TOKEN=$(printf '%s\n' "$answer" | sed -n 's/.*"secret" *: *"\([^"]*\)".*/\1/p')
  export COMPTROLLER_TOKEN
fi

code=0
comptroller gate --model="$version" --env="$environment" || code=$?
case $code in
  0) ;;
  2) refuse "denied" 2 ;;
  3) refuse "people have to approve it first" 3 ;;
  *) refuse "the gate gave no allow" "$code" ;;
esac

# What is deployed has no use for the gate's credential.
unset COMPTROLLER_TOKEN COMPTROLLER_TOKEN_FILE
if [ "$#" -gt 0 ]; then
  exec "$@"
fi
