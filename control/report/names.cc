#include "control/report/names.h"

#include <algorithm>
#include <cctype>

#include "common/wire/verdict.h"
#include "google/protobuf/descriptor.h"

namespace handshake::report {
namespace {

// MODE_THREAD_POOL with the prefix "MODE_" and '-' between words: "thread-pool".
std::string Spoken(const google::protobuf::EnumValueDescriptor& value, std::string_view prefix,
                   char between) {
  std::string name = value.name().substr(prefix.size());
  for (char& c : name) {
    c = c == '_' ? between : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string Spoken(const google::protobuf::EnumDescriptor& type, int number,
                   std::string_view prefix, char between) {
  const google::protobuf::EnumValueDescriptor* value = type.FindValueByNumber(number);
  if (value != nullptr) return Spoken(*value, prefix, between);
  return std::string(prefix) + std::to_string(number);
}

bool KnownToWire(v1::Verdict verdict) { return verdict >= 0 && verdict < wire::kVerdictCount; }

}  // namespace

std::string ModeName(v1::Mode mode) {
  if (!v1::Mode_IsValid(mode)) return "mode-" + std::to_string(mode);
  return Spoken(*v1::Mode_descriptor(), mode, "MODE_", '-');
}

std::vector<std::string> ModeNames() {
  std::vector<std::string> names;
  const google::protobuf::EnumDescriptor& modes = *v1::Mode_descriptor();
  for (int i = 0; i < modes.value_count(); ++i) {
    if (modes.value(i)->number() == v1::MODE_UNSPECIFIED) continue;
    names.push_back(Spoken(*modes.value(i), "MODE_", '-'));
  }
  return names;
}

std::optional<v1::Mode> ModeByName(std::string_view name) {
  const google::protobuf::EnumDescriptor& modes = *v1::Mode_descriptor();
  for (int i = 0; i < modes.value_count(); ++i) {
    const int number = modes.value(i)->number();
    if (number == v1::MODE_UNSPECIFIED) continue;
    if (Spoken(*modes.value(i), "MODE_", '-') == name) return static_cast<v1::Mode>(number);
  }
  return std::nullopt;
}

std::string FramingName(v1::Framing framing) {
  if (framing == v1::FRAMING_UNSPECIFIED) return "default";
  return Spoken(*v1::Framing_descriptor(), framing, "FRAMING_", '-');
}

std::string VerdictName(v1::Verdict verdict) {
  if (!KnownToWire(verdict)) return "VERDICT_" + std::to_string(verdict);
  return std::string(wire::VerdictName(static_cast<wire::Verdict>(verdict)));
}

std::string VerdictText(v1::Verdict verdict) {
  if (!KnownToWire(verdict)) return "not known to this version";
  return std::string(wire::VerdictText(static_cast<wire::Verdict>(verdict)));
}

Cell StateCell(v1::ModeSwitch::State state) {
  const bool done = state == v1::ModeSwitch::STATE_COMPLETED;
  const bool draining = state == v1::ModeSwitch::STATE_DRAINING;
  return {Spoken(*v1::ModeSwitch::State_descriptor(), state, "STATE_", ' '),
          done ? Tone::kGood : (draining ? Tone::kWarning : Tone::kPlain)};
}

Cell StateCell(v1::LoadRun::State state) {
  const std::string name = Spoken(*v1::LoadRun::State_descriptor(), state, "STATE_", ' ');
  switch (state) {
    case v1::LoadRun::STATE_SUCCEEDED:
      return {name, Tone::kGood};
    case v1::LoadRun::STATE_FAILED:
      return {name, Tone::kBad};
    case v1::LoadRun::STATE_CANCELLED:
      return {name, Tone::kWarning};
    default:
      return {name};
  }
}

}  // namespace handshake::report
