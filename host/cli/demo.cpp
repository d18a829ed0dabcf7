#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"
#include "run/backup.h"
#include "testkit/demo_world.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// One thing that was broken and what became of it.
struct Repair {
    std::string broken, done;
    Duration took{};
};

void heading(std::string_view text) { say("\n" + painted(fmt::format("── {}", text), Colour::bold)); }

class Demo {
  public:
    Demo(const Context& context, testkit::DemoWorld world, testkit::FakeChain& chain, run::Game game)
        : context_(context), world_(std::move(world)), chain_(chain), game_(std::move(game)),
          engine_(game_, context.primitives, context.folders(game_.config()), context.cancel) {}

    Result<int> play() {
        TRY(take_backup("the nightly backup"));
        heading("A duel gets stuck: both players wait, and nothing moves");
        TRY(testkit::break_duel(world_));
        TRY(recover("wox/stuck_duel", { { "duel", std::to_string(world_.duel) } }, "stuck duel",
                    "ended, both stakes returned once"));
        heading("A withdrawal fails on chain (asking the testing kit's fake chain on loopback)");
        TRY(testkit::break_withdrawal(world_, chain_));
        TRY(recover("wox/failed_withdrawal", { { "withdrawal", std::to_string(world_.withdrawal) } },
                    "failed withdrawal", "proved on chain, balance restored once"));
        TRY(take_backup("the hourly backup, with both repairs in it"));
        heading("The database file is damaged: rubbish over six of its pages");
        TRY(testkit::break_database(world_));
        TRY(recover("wox/database_corruption", {}, "corrupted database file",
                    "set aside, newest backup verified and switched in"));
        TRY(check_vault());
        finish();
        return 0;
    }

  private:
    Result<void> take_backup(const std::string& note) {
        heading(fmt::format("Backup: {}", note));
        const auto snapshot = TRY(run::back_up(
            game_,
            { .plan = "daily", .type = "auto_daily", .components = {}, .note = note, .call = {} },
            context_.cancel, {}));
        say(fmt::format("    snapshot {}: {} of {}, {} new in the vault, encrypted, in {}", snapshot.id,
                        human_size(size_of(snapshot)), component_names(snapshot),
                        human_size(snapshot.stored_bytes),
                        human_duration(Duration(snapshot.finished - snapshot.started))));
        return {};
    }

    // The dry run, then the same for real with its plan.
    Result<void> recover(const std::string& runbook, std::map<std::string, std::string> parameters,
                         const std::string& broken, const std::string& done) {
        const auto started = now();
        const run::Request request{ .runbook = runbook,
                                    .parameters = std::move(parameters),
                                    .operator_name = operator_name(),
                                    .reason = "demo" };
        std::string typed = "respawn run " + runbook;
        for (const auto& [name, value] : request.parameters)
            typed += fmt::format(" {}={}", name, value);
        say(painted(fmt::format("$ {} --dry-run", typed), Colour::dim));
        RunPrinter dry(true);
        const auto planned = TRY(engine_.plan(request, dry));
        dry.finish();
        if (planned.not_needed || planned.ended_at)
            return Error{ .kind = Kind::internal,
                          .why = fmt::format("the demo's own world is not as it should be: {}",
                                             planned.ended_at->why) };
        say("    Nothing was changed.");
        say(painted(fmt::format("$ {} --plan {}", typed, planned.plan.hash.substr(0, 12)),
                    Colour::dim));
        RunPrinter live(false);
        const auto outcome = TRY(engine_.perform(request, planned.plan, live));
        live.finish();
        if (outcome.error)
            return *outcome.error;
        repairs_.push_back({ broken, done, now() - started });
        return {};
    }

    Result<void> check_vault() {
        heading("Every byte of the vault is read back and checked");
        const auto report =
            TRY(TRY(game_.vault())->check(vault::CheckDepth::read_data, context_.cancel));
        if (!report.damage.empty())
            return Error{ .kind = Kind::corrupt,
                          .why = report.damage.front().object + ": " + report.damage.front().why };
        say(fmt::format("    sound: {}, {}, {} read", counted(report.snapshots, "snapshot"),
                        counted(report.blobs, "blob"), human_size(report.bytes_read)));
        return {};
    }

    void finish() {
        heading("What was broken, what was done, how long it took (dry run included)");
        Table table({ "broken", "done", "took" });
        for (const auto& repair : repairs_)
            table.add({ repair.broken, repair.done, human_duration(repair.took) });
        say(table.text());
        const auto folder =
            printable(world_.folder.lexically_relative(std::filesystem::current_path()).string());
        say(fmt::format("\nEverything lies in {}. Try next (respawn is {}):", folder,
                        "build/release/respawn"));
        say(fmt::format(
            "  cd {}\n  respawn status\n  respawn list\n  respawn runs\n  respawn runs show {}\n  "
            "respawn explain wox/stuck_duel\n  respawn restore latest --to /tmp/restored",
            folder, last_run().substr(0, 26)));
    }

    std::string last_run() {
        auto journal = game_.journal();
        const auto runs = journal.ok() ? journal.value()->runs(1)
                                       : Result<std::vector<journal::RunRecord>>(journal.error());
        return runs.ok() && !runs.value().empty() ? runs.value().front().id : "RUN";
    }

    const Context& context_;
    testkit::DemoWorld world_;
    testkit::FakeChain& chain_;
    run::Game game_;
    run::Engine engine_;
    std::vector<Repair> repairs_;
};

// An earlier demo's world is replaced; anything else in the way is left alone.
Result<void> clear(const io::Path& folder) {
    if (!io::is_there(folder))
        return {};
    if (!io::is_there(folder / "made-by-respawn-demo"))
        return Error{ .kind = Kind::conflict,
                      .what = "make the demo's world",
                      .on = folder.string(),
                      .why = "the folder is there and is not an earlier demo's",
                      .fix = "name another one: respawn demo FOLDER" };
    std::error_code fault;
    std::filesystem::remove_all(folder, fault);
    if (fault)
        return Error{ .kind = Kind::io,
                      .why = fmt::format("could not remove {}: {}", folder.string(), fault.message()) };
    return {};
}

Result<io::Path> world_schema(const Context& context) {
    for (const auto& folder : context.folders(config::Config{}).runbooks)
        if (io::is_there(folder / "wox" / "world.sql"))
            return folder / "wox" / "world.sql";
    return Error{ .kind = Kind::missing,
                  .why = "runbooks/wox/world.sql is not beside the program",
                  .fix = "run it from a checkout or a whole installation" };
}

Result<int> show_demo(const Context& context) {
    const auto folder =
        std::filesystem::absolute(context.typed.value("FOLDER", "demo-world")).lexically_normal();
    TRY(clear(folder));
    testkit::FakeChain chain;
    heading("A world of Wizards of X");
    const auto world = TRY(testkit::make_demo_world(folder, TRY(world_schema(context)), chain.url()));
    TRY(io::create_durably(folder / "made-by-respawn-demo",
                           "This folder may be removed; the next demo does.\n", 0644));
    say(fmt::format("    {} and {} in all in game.db; 5 agents' memories; configuration",
                    counted(static_cast<std::uint64_t>(world.players), "player"),
                    counted(static_cast<std::uint64_t>(world.rows), "row")));
    run::Game game(TRY(config::read_config(folder / "respawn.yaml", config::Strictness::strict)));
    return Demo(context, world, chain, std::move(game)).play();
}

} // namespace

extern const Verb demo = {
    .name = "demo",
    .summary = "Makes a small game, backs it up, breaks it in three ways and brings it back, showing "
               "each step.",
    .arguments = { { .name = "FOLDER", .doc = "where the world is made; demo-world when left out" } },
    .details = "The chain that it asks is the testing kit's fake on loopback.",
    .example = "respawn demo",
    .run = show_demo,
};

} // namespace respawn::cli
