"""A gRPC client that knows no message of ours: it asks the server for its descriptors.

Only the two standard services, reflection and health, are described here, field by field.
"""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from server_process import DEADLINE

_FIELD = descriptor_pb2.FieldDescriptorProto


def _message(file, name, fields):
    message = file.message_type.add(name=name)
    for number, (field, kind, repeated) in fields.items():
        added = message.field.add(
            name=field, number=number,
            label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL)
        if isinstance(kind, str):
            added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{file.package}.{kind}"
        else:
            added.type = kind


def _reflection_file():
    file = descriptor_pb2.FileDescriptorProto(
        name="reflection_by_hand.proto", package="grpc.reflection.v1alpha", syntax="proto3")
    _message(file, "ServerReflectionRequest", {
        4: ("file_containing_symbol", _FIELD.TYPE_STRING, False),
        7: ("list_services", _FIELD.TYPE_STRING, False)})
    _message(file, "FileDescriptorResponse", {
        1: ("file_descriptor_proto", _FIELD.TYPE_BYTES, True)})
    _message(file, "ServiceResponse", {1: ("name", _FIELD.TYPE_STRING, False)})
    _message(file, "ListServiceResponse", {1: ("service", "ServiceResponse", True)})
    _message(file, "ServerReflectionResponse", {
        4: ("file_descriptor_response", "FileDescriptorResponse", False),
        6: ("list_services_response", "ListServiceResponse", False)})
    return file


def _health_file():
    file = descriptor_pb2.FileDescriptorProto(
        name="health_by_hand.proto", package="grpc.health.v1", syntax="proto3")
    _message(file, "HealthCheckRequest", {1: ("service", _FIELD.TYPE_STRING, False)})
    _message(file, "HealthCheckResponse", {1: ("status", _FIELD.TYPE_INT32, False)})
    return file


class Client:

    def __init__(self, endpoint):
        self.channel = grpc.insecure_channel(endpoint, [
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1)])  # a connection of its own
        self.pool = descriptor_pool.DescriptorPool()
        self.pool.Add(_reflection_file())
        self.pool.Add(_health_file())
        self.known = set()

    def close(self):
        self.channel.close()

    def type(self, name):
        descriptor = self.pool.FindMessageTypeByName(name)
        return message_factory.MessageFactory(self.pool).GetPrototype(descriptor)

    def _reflect(self, **fields):
        prefix = "grpc.reflection.v1alpha.ServerReflection"
        call = self.channel.stream_stream(
            f"/{prefix}/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.type(prefix + "Response").FromString)
        return next(call(iter([self.type(prefix + "Request")(**fields)]), timeout=DEADLINE))

    def services(self):
        return [s.name for s in self._reflect(list_services="*").list_services_response.service]

    def learn(self, symbol):
        """Fetches the file of `symbol` and all it imports."""
        files = {}
        answer = self._reflect(file_containing_symbol=symbol).file_descriptor_response
        for data in answer.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            files[file.name] = file
        def add(name):
            if name in self.known:
                return
            for imported in files[name].dependency:
                add(imported)
            self.pool.Add(files[name])
            self.known.add(name)
        for name in files:
            add(name)

    def health(self, service):
        call = self.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.type("grpc.health.v1.HealthCheckResponse").FromString)
        request = self.type("grpc.health.v1.HealthCheckRequest")(service=service)
        return {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING"}[
            call(request, timeout=DEADLINE).status]

    def call(self, service, method, **fields):
        """The answer, or for a stream its iterator."""
        described = self.pool.FindServiceByName(service).FindMethodByName(method)
        as_proto = descriptor_pb2.MethodDescriptorProto()
        described.CopyToProto(as_proto)
        make = self.channel.unary_stream if as_proto.server_streaming else self.channel.unary_unary
        stub = make(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.type(described.output_type.full_name).FromString)
        return stub(self.type(described.input_type.full_name)(**fields), timeout=DEADLINE)

    def enum(self, name):
        values = self.pool.FindEnumTypeByName(name).values_by_name
        return {value: descriptor.number for value, descriptor in values.items()}
