#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "base/shown.h"
#include "base/text.h"
#include "exporter/cli/commands.h"
#include "exporter/cli/compare.h"
#include "exporter/cli/flags.h"
#include "exporter/cli/leaving.h"
#include "exporter/cli/log_service.h"
#include "exporter/cli/logplex_options.h"
#include "exporter/cli/logs.h"
#include "exporter/cli/options.h"
#include "exporter/cli/parse.h"
#include "exporter/cli/sample.h"
#include "exporter/cli/serve.h"
#include "exporter/cli/target_flags.h"
#include "exporter/cli/web_config_check.h"
#include "exporter/cli/web_flags.h"
#include "exporter/metrics/process.h"
#include "exporter/own_log/own_log.h"
#include "exporter/pg/setup_sql.h"

namespace pgbeacon::cli {
namespace {

/// Everything the command line can say. Commands read it after parsing.
struct Arguments {
  TargetFlags target;
  ServeFlags serve;
  WebFlags web;
  ParseOptions parse;
  LogsOptions logs;
  SampleFlags sample;
  std::string output = "table";
  std::string config_file;
  std::string compare_url;
  bool all_targets = false;
  std::string role = "pgbeacon";
  std::string log_level = "info";
  std::string log_format = "logfmt";
};

constexpr int kMostTop = 1000;

Output ToOutput(const std::string& text) {
  return text == "json" ? Output::kJson : text == "markdown" ? Output::kMarkdown : Output::kTable;
}

int ReportUsage(const std::string& message) {
  std::fputs(("pgbeacon: " + message + "\n").c_str(), stderr);
  return kUsageStatus;
}

void AddOutput(CLI::App& command, Arguments& arguments,
               const std::vector<std::string>& forms = {"table", "json"}) {
  command.add_option("-o,--output", arguments.output, "Form of the output")
      ->check(CLI::IsMember(forms))
      ->capture_default_str();
  command.add_flag_callback(
      "--json", [&arguments] { arguments.output = "json"; }, "The same as --output json");
}

void AddLogFlags(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--log.level", arguments.log_level, "Least severe message of pgbeacon's own log")
      ->transform(CLI::IsMember({"trace", "debug", "info", "warn", "error"}, CLI::ignore_case))
      ->capture_default_str();
  command.add_option("--log.format", arguments.log_format, "Form of pgbeacon's own log")
      ->check(CLI::IsMember({"logfmt", "json"}))
      ->capture_default_str();
}

void AddSyslogFlags(CLI::App& command, config::SyslogFlags& flags) {
  const auto add = [&command](const std::string& name, auto& value, const std::string& help) {
    command.add_option(name, value, help)->group("Log sources");
  };
  add("--source.syslog-udp", flags.udp, "Take syslog over UDP, HOST:PORT or :PORT (repeatable)");
  add("--source.syslog-tcp", flags.tcp, "Take syslog over TCP (repeatable)");
  add("--source.syslog-tls", flags.tls, "Take syslog over TLS (repeatable)");
  add("--source.unix", flags.unix_paths,
      "Take syslog at a unix datagram socket such as /dev/log (repeatable)");
  add("--source.tls-cert", flags.tls_files.cert,
      "Certificate chain of --source.syslog-tls; PEM, read again when it changes");
  add("--source.tls-key", flags.tls_files.key, "Its private key");
  add("--source.tls-client-ca", flags.tls_files.client_ca,
      "Authorities that clients of --source.syslog-tls need a certificate of");
}

void AddServe(CLI::App& command, Arguments& arguments, const collectors::Catalogue& catalogue) {
  ServeFlags& flags = arguments.serve;
  AddWebFlags(command, arguments.web, flags);
  command.add_option("--state.dir", flags.state_dir,
                     "Folder where log counters and positions survive a restart");
  command.add_flag("--web.enable-lifecycle", flags.enable_lifecycle,
                   "Serve POST /-/reload, which does what SIGHUP does: read the config again");
  command
      .add_option("--source.file", flags.source_files,
                  "Log file or glob to follow (repeatable); - is stdin")
      ->group("Log sources");
  command
      .add_option("--source.prefix", flags.source_prefix,
                  "log_line_prefix of --source.file; otherwise the server's setting, else detected")
      ->group("Log sources");
  command.add_option("--source.format", flags.source_format, "Form of --source.file")
      ->check(CLI::IsMember(log::FormNames()))
      ->capture_default_str()
      ->group("Log sources");
  command
      .add_option("--source.from", flags.source_from,
                  "Where a file that exists at the start is read from")
      ->check(CLI::IsMember({"begin", "end"}))
      ->capture_default_str()
      ->group("Log sources");
  command
      .add_option("--source.server", flags.source_server,
                  "Value of the label `server` for --source.file; default: the target's name, else "
                  "the host's")
      ->group("Log sources");
  AddSyslogFlags(command, flags.syslog);
  command
      .add_flag("--source.logplex", flags.logplex,
                "Take what Logplex drains deliver to POST /logplex")
      ->group("Log sources");
  command
      .add_option("--source.logplex-tokens", flags.logplex_tokens,
                  "File of the drain tokens that may deliver, TOKEN: SERVER on each line; read "
                  "again when it changes")
      ->group("Log sources");
  command
      .add_option("--source.logplex-credentials", flags.logplex_credentials,
                  "File of the users that may deliver, USER:PASSWORD on each line; read again when "
                  "it changes")
      ->group("Log sources");
  command
      .add_option("--source.datname-limit", flags.datname_limit,
                  "Count messages by database: N by name, the rest as other; 0 is off")
      ->check(CLI::Range(0, config::kMostDatnames))
      ->group("Log sources");
  command
      .add_option("--source.fingerprints", flags.fingerprints,
                  "Count logged statements by fingerprint: K of them by themselves; 0 is off")
      ->check(CLI::Range(0, config::kMostFingerprints))
      ->group("Log sources");
  AddTargetFlags(command, arguments.target, catalogue);
}

void AddParse(CLI::App& command, Arguments& arguments) {
  ParseOptions& options = arguments.parse;
  command.add_option("FILE", options.files, "Log files, also .gz; - is stdin")->required();
  command.add_option("--prefix", options.prefix, "log_line_prefix; otherwise detected");
  command.add_option("--format", options.format, "Form of the log; auto: found out for each file")
      ->check(CLI::IsMember(log::FormNames()))
      ->capture_default_str();
  command
      .add_option("-o,--output", options.output,
                  "Form of the output: summary, metrics page or JSON")
      ->check(CLI::IsMember({"table", "prom", "json"}))
      ->capture_default_str();
  command.add_option("--config.file", options.config_file,
                     "YAML file with events of your own and what to count by");
  CLI::Option* events = command.add_flag("--events", options.events,
                                         "One JSON object per message instead of the summary, in "
                                         "the order in which they are complete");
  command
      .add_option("--top", options.top,
                  "The N statements that took most, were slowest, came most often and did most I/O "
                  "instead of the summary")
      ->check(CLI::Range(1, kMostTop))
      ->excludes(events);
  command.add_flag("--with-text", options.with_text,
                   "With --events or --top: also the texts (message, detail, statement ...)");
  command
      .add_option("--datname", options.datname_limit,
                  "Count messages by database: N by name, the rest as other")
      ->check(CLI::Range(0, config::kMostDatnames));
  command
      .add_option("--fingerprints", options.fingerprints,
                  "Count logged statements by fingerprint: K of them by themselves")
      ->check(CLI::Range(0, config::kMostFingerprints));
  command.add_option("--threads", options.threads, "Worker threads")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

void AddLogs(CLI::App& command, LogsOptions& options) {
  command.add_option("--url", options.url, "Where pgbeacon serves; may hold USER:PASSWORD@")
      ->capture_default_str();
  command.add_option("-a,--app", options.apps,
                     "Server's name or glob such as orders-* (repeatable); default: all");
  command.add_option("-n,--num", options.num, "The last N matching lines")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  command.add_option("-p,--ps", options.process,
                     "Process, such as postgres (with all postgres.N) or heroku-postgres");
  command.add_option("-s,--source", options.source, "Source, such as app or heroku");
  command.add_option("--severity", options.severity, "Messages of this severity and worse");
  command.add_flag("-t,--tail", options.tail, "Go on with the lines that follow");
  command.add_option("--token-file", options.token_file, "File that holds the token alone");
  command.add_option("--ca-file", options.ca_file,
                     "PEM file with the authority of an https server; default: the system's");
  command.add_option("-o,--output", options.output, "Form of the output")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command
      .add_option("--color", options.color,
                  "Colour by process; auto: on a terminal without NO_COLOR")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

void AddSampleFlags(CLI::App& command, SampleFlags& flags) {
  command.add_option("--interval", flags.interval, "Time between records")->capture_default_str();
  command.add_option("--count", flags.count, "End after N records; default: go on")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--source", flags.source, "Source of the records; default: DATABASE");
  command.add_option("--addon", flags.addon, "Add-on of the records; default: the target's name");
  command.add_option("-o,--output", flags.output, "Form of the output: lines of a log, or JSON")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

/// A word of the command line, unless it may be a connection string.
std::string WordOrNone(const std::string& word) {
  return MayHoldSecret(word) ? "(not shown: it may hold a password)" : word;
}

/// "unknown flag --collector.bgwritr; did you mean --collector.bgwriter?"
std::string ExplainExtras(const CLI::App& app, const CLI::App& command) {
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return "unexpected argument";
  const std::string word = extras.front().substr(0, extras.front().find('='));
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::string nearest = Nearest(word, names);
  return (word.starts_with("-") ? "unknown flag " : "unexpected argument ") + WordOrNone(word) +
         (nearest.empty() ? "; see pgbeacon " + command.get_name() + " --help"
                          : "; did you mean " + nearest + "?");
}

/// Runs a command that asks once. Mistakes in what it was told are `failed`; where it may go on, it
/// shows what there is without them first.
int Run(const std::function<int(Setup&, Output)>& command, const Arguments& arguments, int failed,
        bool go_on = false) {
  Result<Setup> setup = Prepare(arguments.target, config::SystemEnvironment());
  if (setup.ok()) config::CheckEvents(setup->config);
  const std::vector<std::string> mistakes =
      setup.ok() ? AllMistakes(setup->config) : std::vector{setup.error().message};
  const bool right = mistakes.empty();
  if (right) return command(*setup, ToOutput(arguments.output));
  if (setup.ok() && go_on) command(*setup, ToOutput(arguments.output));
  std::fputs((Join(mistakes, "\n") + "\n").c_str(), stderr);
  return failed;
}

int Serve(const Arguments& arguments) {
  if (arguments.target.peer.dump_maps) return Run(RunMetrics, arguments, 1);
  const auto discovered = std::make_shared<config::Discovered>();
  const auto prepare = [target = arguments.target, discovered] {
    Result<Setup> setup = Prepare(target, config::SystemEnvironment(), discovered.get());
    if (setup.ok()) config::CheckEvents(setup->config);
    return setup;
  };
  Result<Setup> setup = Prepare(arguments.target, config::SystemEnvironment(), discovered.get());
  if (!setup.ok()) {
    std::fputs((setup.error().message + "\n").c_str(), stderr);
    return 1;
  }
  Result<std::vector<config::SyslogSource>> syslog =
      config::ReadSyslogFlags(arguments.serve.syslog);
  if (!syslog.ok()) return ReportUsage(syslog.error().message);
  std::ranges::move(*syslog, std::back_inserter(setup->config.syslog));
  const bool logs = HasLogSources(setup->config, arguments.serve);
  const bool targets = !AllTargets(setup->config).empty() || !setup->config.file_sd.files.empty();
  if (!targets && !logs && !setup->config.errors->empty()) {
    std::fputs((setup->config.errors->ToError().message + "\n").c_str(), stderr);
    return 1;
  }
  if (!targets && !logs) {
    return ReportUsage(
        "nothing to serve: name a server (DATA_SOURCE_NAME, DATABASE_URL, PGHOST, --dsn, or "
        "targets: in "
        "--config.file) or a log (--source.file, --source.syslog-tcp, --source.logplex ...)");
  }
  return RunServe(*std::move(setup), arguments.serve, arguments.web, prepare);
}

int CheckConfigs(const Arguments& arguments) {
  const std::string& file = arguments.config_file;
  const std::string& web_file = arguments.web.config_file;
  if (file.empty() && web_file.empty()) {
    return ReportUsage("config check: name a FILE, or --web.config.file FILE");
  }
  const int web = web_file.empty() ? 0 : RunWebConfigCheck(web_file);
  const int rest = file.empty() ? 0 : RunConfigCheck(file);
  return std::max(web, rest);
}

bool IsCommand(const CLI::App& app, const std::string& word) {
  const auto matches = [&](const CLI::App* command) { return command->get_name() == word; };
  return !app.get_subcommands(matches).empty();
}

/// postgres_exporter has no commands: without one, the arguments are serve's.
std::vector<std::string> WithCommand(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::vector<std::string> own_flags = {"--help", "-h", "--help-all", "--version"};
  const bool own = !words.empty() && std::ranges::count(own_flags, words[0]) > 0;
  if (words.empty() || (words[0].starts_with("-") && !own)) words.insert(words.begin(), "serve");
  return words;
}

struct Commands {
  CLI::App* serve;
  CLI::App* parse;
  CLI::App* logs;
  CLI::App* sample;
  CLI::App* check;
  CLI::App* explain;
  CLI::App* compare;
  CLI::App* metrics;
  CLI::App* flags;
  CLI::App* setup_sql;
  CLI::App* config_check;
};

Commands AddCommands(CLI::App& app, Arguments& arguments, const collectors::Catalogue& catalogue) {
  Commands commands{};
  commands.serve = app.add_subcommand("serve", "Serve metrics over HTTP (the default)");
  AddServe(*commands.serve, arguments, catalogue);
  commands.parse = app.add_subcommand("parse", "Read whole logs and print what they hold");
  AddParse(*commands.parse, arguments);
  commands.logs =
      app.add_subcommand("logs", "Show servers' latest log lines from a running pgbeacon");
  AddLogs(*commands.logs, arguments.logs);
  commands.sample = app.add_subcommand(
      "sample", "Print a server's sample# records, as heroku-postgres does, on an interval");
  AddTargetFlags(*commands.sample, arguments.target, catalogue);
  AddSampleFlags(*commands.sample, arguments.sample);
  commands.check =
      app.add_subcommand("check",
                         "Judge servers: suites pg, role, vm and what alerts watch; Nagios exit "
                         "status");
  AddTargetFlags(*commands.check, arguments.target, catalogue);
  commands.check->add_flag("--all", arguments.all_targets, "Every target of the config file")
      ->excludes("--target");
  AddOutput(*commands.check, arguments);
  commands.explain =
      app.add_subcommand("explain", "Show each collector's SQL, rows and time, or why it is off");
  AddTargetFlags(*commands.explain, arguments.target, catalogue);
  AddOutput(*commands.explain, arguments);
  commands.compare = app.add_subcommand(
      "compare", "Tell what a swap of a running exporter for pgbeacon would change");
  commands.compare
      ->add_option("URL", arguments.compare_url,
                   "Its page, such as http://db1:9187/metrics; the server is named as for serve")
      ->required();
  AddTargetFlags(*commands.compare, arguments.target, catalogue);
  AddOutput(*commands.compare, arguments);
  commands.metrics = app.add_subcommand("metrics", "List every metric that can be exposed");
  commands.metrics->add_option("--config.file", arguments.target.config_file,
                               "YAML file with further collectors and events");
  AddOutput(*commands.metrics, arguments, {"table", "json", "markdown"});
  commands.flags = app.add_subcommand("flags", "List every flag of serve");
  AddOutput(*commands.flags, arguments, {"table", "json", "markdown"});
  commands.setup_sql =
      app.add_subcommand("setup-sql", "Print the SQL that creates a role for pgbeacon");
  commands.setup_sql->add_option("--role", arguments.role, "Name of the role")
      ->capture_default_str();
  CLI::App* config = app.add_subcommand("config", "Work with the config file");
  config->require_subcommand(1);
  commands.config_check = config->add_subcommand("check", "Report every mistake of a config file");
  commands.config_check->add_option("FILE", arguments.config_file, "The config file");
  commands.config_check->add_option("--web.config.file", arguments.web.config_file,
                                    "The file of serve's flag of that name");
  for (CLI::App* command : {commands.serve, commands.parse, commands.sample, commands.check,
                            commands.explain, commands.compare}) {
    AddLogFlags(*command, arguments);
  }
  return commands;
}

int RunChosen(const Commands& commands, const Arguments& arguments) {
  if (commands.parse->parsed()) return RunParse(arguments.parse);
  if (commands.logs->parsed()) return RunLogs(arguments.logs);
  if (commands.sample->parsed()) {
    const auto sample = [&](Setup& setup, Output) { return RunSample(setup, arguments.sample); };
    return Run(sample, arguments, 1);
  }
  if (commands.check->parsed()) {
    const auto check = [&](Setup& setup, Output output) {
      return RunCheck(setup, output, arguments.all_targets);
    };
    return Run(check, arguments, kUnknownStatus);
  }
  if (commands.explain->parsed()) return Run(RunExplain, arguments, 1, /*go_on=*/true);
  if (commands.compare->parsed()) {
    const auto compare = [&](Setup& setup, Output output) {
      return RunCompare(setup, arguments.compare_url, output);
    };
    return Run(compare, arguments, 1);
  }
  if (commands.metrics->parsed()) return Run(RunMetrics, arguments, 1);
  if (commands.flags->parsed()) {
    PrintFlags(*commands.serve, ToOutput(arguments.output));
    return 0;
  }
  if (commands.config_check->parsed()) return CheckConfigs(arguments);
  if (commands.setup_sql->parsed()) {
    std::fputs(pg::SetupSql(arguments.role).c_str(), stdout);
    return 0;
  }
  return Serve(arguments);
}

int Main(int argc, char** argv) {
  std::vector<std::string> words = WithCommand(argc, argv);
  if (words[0] == "serve") TakeSignals();
  const Result<collectors::Catalogue> catalogue = collectors::Catalogue::Builtin();
  if (!catalogue.ok()) {
    std::fputs((catalogue.error().message + "\n").c_str(), stderr);
    return 1;
  }
  Arguments arguments;
  CLI::App app("PostgreSQL statistics and logs as Prometheus metrics. Without a command it serves.",
               "pgbeacon");
  app.set_version_flag("--version", std::string("pgbeacon ") + metrics::Version() + " (revision " +
                                        metrics::Revision() + ", compiler " + __VERSION__ + ")");
  app.set_help_all_flag("--help-all,--help-long", "Print the help of all commands and exit");
  app.footer("pgbeacon COMMAND --help tells a command's flags; --help-all tells all of them.");
  app.require_subcommand(1);
  const Commands commands = AddCommands(app, arguments, *catalogue);

  if (!words[0].starts_with("-") && !IsCommand(app, words[0])) {
    return ReportUsage("unknown command " + WordOrNone(words[0]) + "; pgbeacon --help lists them");
  }
  const bool nagios = words[0] == "check";
  std::reverse(words.begin(), words.end());  // as CLI11 wants them, which consumes them
  try {
    app.parse(words);
  } catch (const CLI::ExtrasError&) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    const int status = ReportUsage(ExplainExtras(app, chosen.empty() ? app : *chosen.front()));
    return nagios ? kUnknownStatus : status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const int status = ReportUsage(error.what());
    return nagios ? kUnknownStatus : status;
  }
  own_log::SetUp(arguments.log_level, arguments.log_format == "json" ? own_log::LineForm::kJson
                                                                     : own_log::LineForm::kLogfmt);
  const int status = RunChosen(commands, arguments);
  own_log::End();
  return status;
}

}  // namespace
}  // namespace pgbeacon::cli

int main(int argc, char** argv) {
  try {
    return pgbeacon::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fputs((std::string("pgbeacon: internal error: ") + error.what() + "\n").c_str(), stderr);
    return 1;
  }
}
